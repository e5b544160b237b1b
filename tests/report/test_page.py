import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_run import EVIL, Run

from camfuse.config import parse_config
from camfuse.errors import ShardError, StaleShardError, TableError
from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import read_results
from camfuse.files import write_text
from camfuse.report.page import write_report
from camfuse.run.experiments import Plan
from camfuse.run.layout import Run as RunFiles


class Text(HTMLParser):
    """The page's elements and its text by section."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {"": ""}
        self._section = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs)["id"] or ""
            self.sections[self._section] = ""

    def handle_data(self, data: str) -> None:
        self.sections[self._section] += f" {data.strip()}" if data.strip() else ""


def written(run: Run) -> str:
    write_report(RunFiles(run.config), run.page)
    return run.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "index.html"
    write_report(RunFiles(finished_run.config), path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(page: str) -> Text:
    return Text(page)


def test_the_results_stand_as_in_the_paper(text: Text) -> None:
    results = text.sections["results"]
    rows = [
        "RGB 33.33 100.00 33.33 100.00 25.00 to 95.00 12.50",
        "Pose 50.00",
        "Fused 66.67 100.00 66.67 100.00",
        "Late fusion 50.00",
        "Fused, joint head 50.00",
    ]
    places = [results.index(row) for row in rows]
    assert places == sorted(places)
    assert "Accuracy on the 6 clips of test, in %" in results
    assert "sampled 10 times" in results and "Fused: rgb x 1, pose x 1, joint x 1, as configured." in results
    assert "top-3" in results and "top-5" not in results


def test_the_curves_say_the_best_epoch(text: Text) -> None:
    training = text.sections["training"]
    assert training.count("Kept: epoch 3 (highest val top-1") == 3
    said = "6 training and 3 validation clips, 1.23 M parameters, 1 min 15 s on cpu (2.4 clips/s"
    assert training.count(f"{said}, 25% of the time waiting for them)") == 1  # the RGB stream; 5 % is not worth a word
    assert training.count(f"{said})") == 2
    charts = [attrs["aria-label"] for tag, attrs in text.tags if tag == "svg"]
    assert "RGB stream: loss of train and val by epoch" in charts


def test_the_classes(text: Text) -> None:
    classes = text.sections["classes"]
    assert f"{EVIL} drink 1 2" in classes
    assert "drink book 1 2" in classes
    assert f"Most confident errors clip true class taken for probability test_2_1 {EVIL} drink 0.950" in classes
    assert "book 2 2 100.00" in classes


def test_the_clips(text: Text) -> None:
    clips = text.sections["clips"]
    assert "train 6 3 1" in clips and "all 15 3 3" in clips
    assert "val 10 3 7 3" in clips
    assert "Classes without a clip in a split (1)" in clips and "water val 4" in clips
    assert "1 test_book_0 book test yes no yes" in clips
    assert f"The label {EVIL} is odd." in clips
    assert f"train_gone pose nobody seen {EVIL}" in clips


def test_the_detection_rates(text: Text) -> None:
    """By hand: body 4 of 4 frames, face 2, left hand 1, right hand 0; 15 clips of 4 frames."""
    keypoints = text.sections["keypoints"]
    assert "the 60 frames of 15 clips" in keypoints
    assert "body 100.00 100.00 100.00 0" in keypoints
    assert "face 50.00 50.00 50.00 0" in keypoints
    assert "left hand 25.00 25.00 25.00 0" in keypoints
    assert "right hand 0.00 0.00 0.00 15" in keypoints
    assert "test_0_0 4 100.00 50.00 25.00 0.00" in keypoints


def test_the_run(text: Text) -> None:
    run = text.sections["run"]
    assert "frames 2 of 2 15 60 0" in run and "pose 2 of 2 15 60 1" in run
    assert "frames 2 2 min 05 s 1 min 35 s 100 0.12" in run  # 15 clips in 125 s
    assert "train_rgb 1 2 h 01 min 2 h 01 min 2,048 2.4" in run
    assert "made by hand" in run
    assert "sigma: 0.7" in run


EXPERIMENTS = """experiment,changes,row,n,top1,mean_class_accuracy
main,,rgb,6,0.25,0.25
main,,fused,6,0.5,0.375
wide,model.fusion.width=64,rgb,6,0.25,0.25
wide,model.fusion.width=64,fused,6,0.75,0.625
"""
ABLATION = """row,mode,stages,seeds,clips,parameters,top1_mean,top1_std,top1_min,top1_max
rgb,,,2,6,1234,0.25,0.05,0.2,0.3
fused,divided,s3 s4,2,6,12345,0.5,,0.5,0.5
"""


def with_runs(run: Run) -> Run:
    """Give the run an experiment, and an ablation of one seed and one mode."""
    values = run.config.model_dump(mode="json", exclude_none=True)
    values |= {"experiments": {"wide": {"model": {"fusion": {"width": 64}}}}}
    config = parse_config(values | {"ablation": {"modes": ["none"], "seeds": [2]}})
    for name, text in (("experiments/results", EXPERIMENTS), ("ablation/ablation", ABLATION)):
        path = run.folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    known = json.loads((run.folder / "evaluate" / "results.json").read_text(encoding="utf-8"))
    for cell in Plan(config).ablation:
        write_text(cell.results, json.dumps(known | {"fingerprint": cell.fingerprint}))
    return Run(config, run.clips)


def test_weights_chosen_on_val_are_said(run: Run) -> None:
    path = run.folder / "evaluate" / "results.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"tuned": True}
    content["weights"] = {"fused": {"rgb": 0.4, "pose": 0.6, "joint": 0.0}}
    write_text(path, json.dumps(content))
    results = Text(written(run)).sections["results"]
    assert "Fused: rgb x 0.4, pose x 0.6, joint x 0, chosen on val." in results
    assert "mean class accuracy also counts classes that are only predicted, as 0: 33.33" in results


def test_experiments_side_by_side(run: Run) -> None:
    results = Text(written(with_runs(run))).sections["results"]
    assert "run changes RGB top-1 Pose top-1 Late fusion top-1 Fused top-1 Fused class top-1" in results
    assert "main - 25.00 - - 50.00 37.50 wide model.fusion.width=64 25.00 - - 75.00 62.50" in results


def test_the_ablation_with_its_spread(run: Run) -> None:
    results = Text(written(with_runs(run))).sections["results"]
    assert "Ablation. Test, 6 clips, percent: mean ± standard deviation over seeds" in results
    assert "RGB alone 2 25.0 ± 5.0 (20.0 to 30.0) 1,234 fused, divided at s3, s4 2 50.0 12,345" in results


def test_an_ablation_of_other_settings_is_not_shown(run: Run) -> None:
    changed = with_runs(run)
    (cell,) = Plan(changed.config).ablation
    write_text(cell.results, cell.results.read_text(encoding="utf-8").replace(cell.fingerprint, "0" * 16))
    results = Text(written(changed)).sections["results"]
    assert "Ablation: the table is one of other settings" in results and "1,234" not in results
    (run.folder / "ablation" / "ablation.csv").unlink()
    assert "Ablation: not run yet" in Text(written(changed)).sections["results"]
    assert "Ablation" not in Text(written(run)).sections["results"]  # none in its config


def test_two_thousand_classes(run: Run) -> None:
    """WLASL-2000's size: no matrix of four million cells, and a page that a browser opens."""
    labels = [f"word number {i}" for i in range(2000)]
    pd.DataFrame({"class_index": range(2000), "label": labels}).to_csv(run.folder / "clips/classes.csv", index=False)
    rng = np.random.default_rng(0)
    true, taken = rng.integers(0, 2000, (2, 3000))
    taken[:1500] = true[:1500]
    pd.DataFrame(
        {
            "clip_id": [f"clip_{i}" for i in range(3000)],
            "label": [labels[i] for i in true],
            "top1_label": [labels[i] for i in taken],
            "top1_probability": rng.random(3000).round(6),
        }
    ).to_csv(run.folder / "evaluate/predictions.csv", index=False)
    empty = pd.DataFrame({"split": "test", "class_index": range(2000), "label": labels, "listed": 3, "on_disk": 0})
    empty.assign(missing=3, used=0).to_csv(run.folder / "clips/coverage.csv", index=False)
    page = written(run)
    text = Text(page)
    assert len(page) < 10e6
    assert "2000 classes are too many for a matrix" in text.sections["classes"]
    confused = {pair for pair in zip(true.tolist(), taken.tolist(), strict=True) if pair[0] != pair[1]}
    assert f"Most confused pairs (the first 15 of {len(confused)})" in page
    tested = len(set(true.tolist()))
    assert f"Accuracy by class, worst first ({tested:d})" in text.sections["classes"]


def test_half_of_the_examples_are_wrong(text: Text) -> None:
    images = [attrs for tag, attrs in text.tags if tag == "img"]
    assert len(images) == 4
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in images)
    verdicts = [attrs["class"] for tag, attrs in text.tags if tag == "span" and attrs.get("class") in ("good", "bad")]
    assert verdicts == ["good", "good", "bad", "bad"]
    assert "taken for drink (95%)" in text.sections["examples"]


def test_labels_are_text_never_markup(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert Text(page).sections[""].count(f"Made run {EVIL}") == 2  # title and heading


def test_nothing_is_loaded_and_nothing_runs(page: str) -> None:
    text = Text(page)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in text.tags}
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "@import" not in page and "url(" not in page
    assert "default-src 'none'" in page
    assert len(page) < 8e6


def test_images_and_tables_are_accessible(text: Text) -> None:
    assert all(attrs.get("alt") for tag, attrs in text.tags if tag == "img")
    assert all(attrs.get("aria-label") for tag, attrs in text.tags if tag == "svg")
    assert all(attrs.get("scope") for tag, attrs in text.tags if tag == "th")
    names = [tag for tag, _ in text.tags]
    assert names.count("caption") == names.count("table") > 8
    targets = {attrs["id"] for _, attrs in text.tags if "id" in attrs}
    assert {str(attrs["href"])[1:] for tag, attrs in text.tags if tag == "a"} <= targets


def test_two_writes_are_the_same_bytes(run: Run) -> None:
    write_report(RunFiles(run.config), run.page)
    first = run.page.read_bytes()
    run.page.unlink()
    write_report(RunFiles(run.config), run.page)
    assert run.page.read_bytes() == first


def test_an_empty_run_says_what_is_missing(empty_run: Run) -> None:
    text = Text(written(empty_run))
    for section, sentence in {
        "results": "No evaluation yet",
        "training": "Both streams, fused with ST-CAF: not trained yet.",
        "classes": "No evaluation yet",
        "examples": "No clip can be drawn yet: no clip in frames, pose, crops, heatmaps.",
        "clips": "No clip table yet",
        "keypoints": "No keypoints yet",
        "run": "frames 0 of 2 0 0 0",
    }.items():
        assert sentence in text.sections[section]
    assert "Time by rule" not in text.sections["run"]


def test_an_unfinished_run_shows_what_it_has(run: Run) -> None:
    for path in ("evaluate/results.json", "evaluate/predictions.csv", "train/fusion/summary.json"):
        (run.folder / path).unlink()
    text = Text(written(run))
    assert "No evaluation yet" in text.sections["results"]
    assert "3 epochs until now; the training is not finished." in text.sections["training"]
    assert [tag for tag, _ in text.tags].count("img") == 4
    assert "taken for" not in text.sections["examples"]


def test_frames_that_were_not_kept_are_no_error(run: Run) -> None:
    for path in (run.folder / "frames").iterdir():
        path.unlink()
    config = run.config.model_copy(update={"frames": run.config.frames.model_copy(update={"keep": False})})
    text = Text(written(Run(config, run.clips)))
    assert "frames 0 of 2" in text.sections["run"]
    assert [tag for tag, _ in text.tags].count("img") == 4


def test_without_frames_nothing_is_drawn(run: Run) -> None:
    for path in (run.folder / "frames").iterdir():
        path.unlink()
    assert "No clip can be drawn yet: no clip in frames." in Text(written(run)).sections["examples"]


def test_no_examples_when_none_are_asked_for(run: Run) -> None:
    config = run.config.model_copy(update={"report": run.config.report.model_copy(update={"examples": 0})})
    assert "None asked for" in Text(written(Run(config, run.clips))).sections["examples"]


def test_many_classes_get_no_matrix(run: Run) -> None:
    classes = ["book", "drink", EVIL, *(f"word {i}" for i in range(60))]
    pd.DataFrame({"class_index": range(63), "label": classes}).to_csv(run.folder / "clips/classes.csv", index=False)
    text = Text(written(run))
    assert "63 classes are too many for a matrix" in text.sections["classes"]
    assert "drink book 1 2" in text.sections["classes"]


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("evaluate/results.json", "{", "expected JSON"),
        ("evaluate/results.json", '{"rows": [{"row": "rgb"}]}', "expected split, main, rows"),
        (
            "evaluate/results.json",
            '{"split": "test", "samplings": 1, "main": "rgb", "weights": {}, "tuned": false, "fingerprint": "", '
            '"rows": []}',
            "expected at least one row",
        ),
        ("evaluate/predictions.csv", "clip_id,label\na,b\n", "expected column `top1_label`"),
        ("evaluate/predictions.csv", "clip_id,label,top1_label,top1_probability\na,book,book,x\n", "expected numbers"),
        (
            "evaluate/predictions.csv",
            "clip_id,label,top1_label,top1_probability\na,book,book,\n",
            "a probability of 0 to 1",
        ),
        (
            "evaluate/predictions.csv",
            "clip_id,label,top1_label,top1_probability\na,sea,book,1\n",
            "'sea', taken for 'book'",
        ),
        ("train/rgb/curves.csv", "", "expected a CSV table"),
        ("train/rgb/curves.csv", "epoch,split,head,loss,top1\n", "expected at least one epoch"),
        ("train/rgb/summary.json", "[]", "expected a training's summary"),
        ("clips/classes.csv", "class_index,label\n1,book\n", "expected class_index 0, 1, 2"),
        ("benchmarks/train_rgb.tsv", "seconds\n1\n", "expected column `s`"),
    ],
)
def test_a_damaged_table_is_named(run: Run, path: str, content: str, message: str) -> None:
    (run.folder / path).write_text(content, encoding="utf-8")
    with pytest.raises(TableError, match=re.escape(message)):
        write_report(RunFiles(run.config), run.page)
    assert not run.page.exists()


def test_a_damaged_shard_is_named(run: Run) -> None:
    path = run.folder / "pose" / "0001.h5"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ShardError, match=r"pose/0001\.h5: damaged"):
        write_report(RunFiles(run.config), run.page)


def test_shards_of_other_settings_are_refused(run: Run) -> None:
    config = run.config.model_copy(update={"heatmaps": run.config.heatmaps.model_copy(update={"sigma": 2.0})})
    with pytest.raises(StaleShardError):
        write_report(RunFiles(config), run.page)


@pytest.mark.parametrize(
    ("section", "values", "file"),
    [("evaluate", {"samplings": 1}, "results.json"), ("train", {"new_rate": 2.0}, "results.json")],
)
def test_results_of_other_settings_are_refused(run: Run, section: str, values: dict[str, Any], file: str) -> None:
    changed = getattr(run.config, section).model_copy(update=values)
    with pytest.raises(TableError, match=rf"{file}.*\n.*made with another config"):
        write_report(RunFiles(run.config.model_copy(update={section: changed})), run.page)


def test_a_training_of_other_settings_is_refused(run: Run) -> None:
    (run.folder / "evaluate" / "results.json").unlink()
    changed = run.config.train.model_copy(update={"new_rate": 2.0})
    with pytest.raises(TableError, match=r"fusion/summary\.json.*\n.*made with another config"):
        write_report(RunFiles(run.config.model_copy(update={"train": changed})), run.page)


def test_result_text_is_the_table(finished_run: Run) -> None:
    results = read_results(RunFiles(finished_run.config).evaluation)
    assert results is not None
    title, *lines, fused, late = result_text(results).splitlines()
    assert late == "Late fusion: rgb x 1, pose x 1, as configured."
    assert title == "Accuracy on the 6 clips of test, in %"
    assert [line.split()[0] for line in lines if "-" * 9 not in line] == "model RGB Pose Fused Late Fused,".split()
    assert lines[4].split()[1:5] == ["66.67", "100.00", "66.67", "100.00"]
    assert fused.startswith("Fused: rgb x 1, pose x 1, joint x 1")
    assert len({len(line) for line in lines}) == 1
