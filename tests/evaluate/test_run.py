import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from made_training import TINY, MadeRun, MakeRun, leave_out, phase, write_shards

import camfuse.predict.probabilities
from camfuse.clips.table import read_clips
from camfuse.config import Split
from camfuse.data.dataset import ClipDataset
from camfuse.errors import AllLeftOutError, ConfigError, StaleShardError, TableError, WeightsError
from camfuse.evaluate.combine import row_sources
from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import Results, read_results
from camfuse.evaluate.rows import ROWS
from camfuse.evaluate.run import evaluate, evaluate_checkpoint, evaluate_clips
from camfuse.metrics import tuned_weights
from camfuse.model.checkpoint import Checkpoint
from camfuse.predict.calibration import FILE, Calibration
from camfuse.predict.probabilities import predict

PARTS = ("rgb", "pose", "fusion")
PAPER_ROWS = tuple(row for row in ROWS if "sequence" not in row)


def best(run: Any, *parts: str) -> dict[str, Path]:
    return {part: run.config.output / "train" / part / "best.ckpt" for part in parts or PARTS}


def run_evaluate(run: Any, output: Path, checkpoints: Mapping[str, Path], split: Split = "test") -> Results:
    return evaluate(run.run, checkpoints, output, split)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def tested(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    run_evaluate(trained, folder, best(trained))
    return folder


# ------------------------------------------------------------------------------------------- the files


def test_rows_as_the_paper_has_them(tested: Path) -> None:
    table = pd.read_csv(tested / "results.csv")
    assert table["row"].tolist() == list(PAPER_ROWS)
    assert (table["n"] == 9).all()
    assert {"top1", "top1_low", "top1_high", "top3", "mean_class_accuracy", "mean_class_top3", "ece"} <= set(table)
    assert table.set_index("row").loc["fused", "top1"] == 1.0
    results = json.loads((tested / "results.json").read_text())
    assert pd.DataFrame(results["rows"])["top1"].tolist() == table["top1"].tolist()
    assert results["main"] == "fused"
    assert results["split"] == "test"
    assert results["checkpoints"].keys() == set(PARTS)
    assert results["signers"] == {"unseen": 0, "seen": 9, "unknown": 0}  # all made clips are of one signer


def test_predictions_name_the_classes(tested: Path) -> None:
    table = pd.read_csv(tested / "predictions.csv", dtype=str, keep_default_na=False)
    assert table["clip_id"].tolist() == [f"test-{label}-{number}" for label in range(3) for number in range(3)]
    assert table["label"].tolist() == ["red"] * 3 + ["null"] * 3 + ["blue"] * 3
    assert (table["fused_label"] == table["label"]).all()
    assert (table["top1_label"] == table["fused_label"]).all()
    top = table[[f"top{rank}_probability" for rank in (1, 2, 3)]].astype(float)
    assert top.sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-5)
    assert (top["top1_probability"] >= top["top2_probability"]).all()


def test_confusion_counts_every_clip(tested: Path) -> None:
    table = pd.read_csv(tested / "confusion.csv", index_col="label", keep_default_na=False)
    assert list(table) == list(table.index) == ["red", "null", "blue"]
    assert table.to_numpy().tolist() == [[3, 0, 0], [0, 3, 0], [0, 0, 3]]


def test_probabilities_hold_what_the_table_says(tested: Path) -> None:
    with np.load(tested / "probabilities.npz") as saved:
        assert saved["classes"].tolist() == ["red", "null", "blue"]
        assert saved["label"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
        assert all(saved[row].sum(1) == pytest.approx(1, abs=1e-5) for row in PAPER_ROWS)
        assert saved["late"] == pytest.approx((saved["rgb"] + saved["pose"]) / 2)
        heads = saved["fusion/rgb"] + saved["fusion/pose"] + saved["fusion/joint"]
        assert saved["fused"] == pytest.approx(heads / 3, abs=1e-6)


def test_same_bytes_again(trained: MadeRun, tested: Path, tmp_path: Path) -> None:
    run_evaluate(trained, tmp_path, best(trained))
    names = sorted(path.name for path in tested.iterdir())
    assert names == ["confusion.csv", "predictions.csv", "probabilities.npz", "results.csv", "results.json"]
    assert all((tmp_path / name).read_bytes() == (tested / name).read_bytes() for name in names)


# ------------------------------------------------------------------------------------------- the numbers


def test_samplings_are_averaged_as_probabilities(trained: MadeRun, tested: Path) -> None:
    run, rows = trained, read_clips(trained.clips / "clips.csv")
    test = rows[rows["split"] == "test"]
    dataset = ClipDataset(test, run.run, part="fusion", augment=False, samplings=3)
    model = Checkpoint.load(best(run)["fusion"]).recogniser()
    with torch.inference_mode():
        # all samplings of the first clip as one batch, instead of one after the other
        logits = model(dataset[0]["rgb"], dataset[0]["heatmaps"])
    with np.load(tested / "probabilities.npz") as saved:
        for head, values in logits.items():
            assert saved[f"fusion/{head}"][0] == pytest.approx(values.softmax(1).mean(0).numpy(), abs=1e-5)


def test_other_split_and_fewer_parts(trained: MadeRun, tmp_path: Path) -> None:
    results = run_evaluate(trained, tmp_path, best(trained, "rgb"), split="val")
    assert list(results.rows) == ["rgb"]
    assert (results.split, results.main, results.rows["rgb"].clips) == ("val", "rgb", 6)
    both = run_evaluate(trained, tmp_path, best(trained, "rgb", "pose"), split="val")
    assert list(both.rows) == ["rgb", "pose", "late"]
    assert both.main == "late"


def test_given_weights_count_in_late_fusion_too(trained: MadeRun, tmp_path: Path) -> None:
    run = trained.with_config(evaluate={"samplings": 3, "weights": [3.0, 1.0, 0.0]})
    results = run_evaluate(run, tmp_path, best(run, "rgb", "pose"))  # the fused one would have to be trained for these
    assert results.weights == {"late": {"rgb": 3.0, "pose": 1.0}}
    assert not results.tuned
    with np.load(tmp_path / "probabilities.npz") as saved:
        assert saved["late"] == pytest.approx((3 * saved["rgb"] + saved["pose"]) / 4, abs=1e-6)


# ------------------------------------------------------------------------------------------- weights chosen on val


@pytest.fixture(scope="module")
def tuned(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    run = trained.with_config(evaluate={"samplings": 3, "weights": "tuned"})
    run_evaluate(run, folder, best(run))
    return folder


def test_tuned_weights_are_the_best_of_val(trained: MadeRun, tuned: Path) -> None:
    results = json.loads((tuned / "results.json").read_text())
    assert results["tuned"] is True
    assert {row: list(weights) for row, weights in results["weights"].items()} == {
        "fused": ["rgb", "pose", "joint"],
        "late": ["rgb", "pose"],
    }
    rows = read_clips(trained.clips / "clips.csv")
    data = ClipDataset(rows[rows["split"] == "val"], trained.run, part="fusion", augment=False, samplings=3)
    checkpoints = {part: Checkpoint.load(path) for part, path in best(trained).items()}
    val = predict(trained.config, data, checkpoints)  # type: ignore[arg-type]
    for row, heads in row_sources(val).items():
        assert tuple(results["weights"][row].values()) == tuned_weights(heads, val.labels)
    with np.load(tuned / "probabilities.npz") as saved:
        parts = {head: saved[f"fusion/{head}"] * weight for head, weight in results["weights"]["fused"].items()}
        assert saved["fused"] == pytest.approx(sum(parts.values()), abs=1e-6)


@pytest.mark.parametrize("how", ["tuned", "likelihood"])
def test_a_single_checkpoint_has_its_weights_chosen_too(trained: MadeRun, tmp_path: Path, how: str) -> None:
    run = own_run(trained, tmp_path / "run").with_config(evaluate={"samplings": 3, "weights": how})
    _, results = evaluate_checkpoint(run.run, best(run)["fusion"])
    assert results.tuned
    assert results.weights == run_evaluate(run, tmp_path / "out", best(run, "fusion")).weights


def test_test_labels_cannot_reach_the_weights(trained: MadeRun, tuned: Path, tmp_path: Path) -> None:
    """Every test label is turned into a wrong one: the test is lost, its probabilities and weights are the same."""
    run = trained.with_config(evaluate={"samplings": 3, "weights": "tuned"}).beside(tmp_path / "run")
    clips = run.clips
    (clips / "classes.csv").write_bytes((trained.clips / "classes.csv").read_bytes())
    table = pd.read_csv(trained.clips / "clips.csv", dtype=str, keep_default_na=False)
    test = table["split"] == "test"
    table.loc[test, "class_index"] = [str((int(index) + 1) % 3) for index in table.loc[test, "class_index"]]
    table.to_csv(clips / "clips.csv", index=False)
    wrong = run_evaluate(run, tmp_path / "out", best(run))
    right = json.loads((tuned / "results.json").read_text())
    assert wrong.weights == right["weights"]
    assert [row.top[1] for row in wrong.rows.values()] != [row["top1"] for row in right["rows"]]
    with np.load(tuned / "probabilities.npz") as before, np.load(tmp_path / "out" / "probabilities.npz") as after:
        assert all((before[row] == after[row]).all() for row in PAPER_ROWS)


def test_tuned_needs_val_and_does_not_test_on_it(trained: MadeRun, tmp_path: Path) -> None:
    run = trained.with_config(evaluate={"samplings": 3, "weights": "tuned"})
    with pytest.raises(ConfigError, match="val cannot be tested on"):
        run_evaluate(run, tmp_path, best(run), split="val")
    table = read_clips(run.clips / "clips.csv")
    other = run.beside(tmp_path / "run")
    (other.clips / "classes.csv").write_bytes((run.clips / "classes.csv").read_bytes())
    table[table["split"] != "val"].to_csv(other.clips / "clips.csv", index=False)
    with pytest.raises(ConfigError, match="no clip is of split `val`"):
        run_evaluate(other, tmp_path / "out", best(run))


# ------------------------------------------------------------------------------------------- one checkpoint, one input


@pytest.mark.parametrize(("inputs", "other"), [("rgb", "heatmaps"), ("pose", "crops")])
def test_fused_checkpoint_with_one_input(trained: MadeRun, tmp_path: Path, inputs: Any, other: str) -> None:
    run = trained.beside(tmp_path / "run")
    for name in ("clips.csv", "classes.csv"):
        (run.clips / name).write_bytes((trained.clips / name).read_bytes())
    (run.config.output / other).unlink()
    checkpoint = Checkpoint.load(best(trained)["fusion"])
    wanted = ["test-2-1", "test-0-0"]
    predictions, results = evaluate_clips(run.run, {"fusion": checkpoint}, inputs=inputs, only=wanted)
    assert list(predictions.rows) == ["fused", f"fusion/{inputs}"]
    assert predictions.clips["clip_id"].tolist() == ["test-0-0", "test-2-1"]  # the table's order
    assert (predictions.rows["fused"] == predictions.rows[f"fusion/{inputs}"]).all()
    assert results.weights == {"fused": {inputs: 1.0}}
    other = run.with_config(evaluate={"samplings": 3, "weights": [0.0, 0.0, 1.0]})  # of the joint head alone
    weighted = evaluate_clips(other.run, {"fusion": checkpoint}, inputs=inputs, only=wanted)[1]
    assert weighted.weights == {"fused": {inputs: 1.0}}
    with pytest.raises(TableError, match="test-9-9: no such clip of split `test`"):
        evaluate_clips(run.run, {"fusion": checkpoint}, inputs=inputs, only=["test-9-9"])


def test_batch_and_devices_change_nothing(trained: MadeRun, tested: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices take turns: here the CPU twice."""
    run = trained.with_config(machine={"device": "cpu", "evaluate_batch": 2})
    checkpoints = {part: Checkpoint.load(path) for part, path in best(trained).items()}
    once = camfuse.predict.probabilities._replicas
    monkeypatch.setattr(camfuse.predict.probabilities, "_replicas", lambda *given, **how: once(*given, **how) * 2)
    predictions, results = evaluate_clips(run.run, checkpoints)  # type: ignore[arg-type]
    with np.load(tested / "probabilities.npz") as saved:
        assert predictions.clips["clip_id"].tolist() == saved["clip_id"].tolist()
        assert all(predictions.rows[row].numpy() == pytest.approx(saved[row], abs=1e-6) for row in PAPER_ROWS)
    known = json.loads((tested / "results.json").read_text())
    for row, expected in zip(results.records(), known["rows"], strict=True):
        assert row == pytest.approx(expected, abs=1e-6)
    assert results.fingerprint == known["fingerprint"]


def test_checkpoint_of_other_classes(trained: MadeRun, tmp_path: Path) -> None:
    run = trained.beside(tmp_path / "run")
    folder = run.clips
    (folder / "clips.csv").write_bytes((trained.clips / "clips.csv").read_bytes())
    (folder / "classes.csv").write_text("class_index,label\n0,red\n1,null\n2,green\n")
    with pytest.raises(WeightsError, match=r"\(red, null, green\), found 3 \(red, null, blue\): .* train rgb again"):
        run_evaluate(run, tmp_path / "out", best(trained))
    assert not (tmp_path / "out").exists()


def test_checkpoint_of_another_config(trained: MadeRun, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected fingerprint \w+, found \w+: .* train rgb again"):
        run_evaluate(trained.with_config(seed=3), tmp_path, best(trained))


def test_checkpoints_in_the_wrong_place(trained: MadeRun, tmp_path: Path) -> None:
    files = best(trained)
    with pytest.raises(WeightsError, match="expected a checkpoint of part rgb, found pose"):
        run_evaluate(trained, tmp_path, {"rgb": files["pose"]})
    with pytest.raises(WeightsError, match="expected checkpoints of rgb, pose, fusion, found both"):
        run_evaluate(trained, tmp_path, {"both": files["fusion"]})
    with pytest.raises(WeightsError, match="at least one of rgb, pose, fusion, found none"):
        run_evaluate(trained, tmp_path, {})
    with pytest.raises(WeightsError, match="no such checkpoint"):
        run_evaluate(trained, tmp_path, {"rgb": tmp_path / "missing.ckpt"})


def test_stale_shards(trained: MadeRun, tmp_path: Path) -> None:
    # the fingerprint of `rgb` does not rest on the heatmaps, that of the shards does
    with pytest.raises((StaleShardError, WeightsError)):
        run_evaluate(trained.with_config(heatmaps={"sigma": 1.5}), tmp_path, best(trained))


def test_split_without_clips(make_run: MakeRun, trained: MadeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 1, "val": 1})
    with pytest.raises(TableError, match="at least one clip of split `test`, found none"):
        run_evaluate(run, tmp_path / "out", best(trained))


# ------------------------------------------------------------------------------------------- calibration on val


def own_run(trained: MadeRun, folder: Path, splits: tuple[str, ...] = ("train", "val", "test")) -> MadeRun:
    """Return a run of its own with the clips of some splits, and copies of the trainings."""
    run = trained.beside(folder)
    (folder / "train").unlink()
    shutil.copytree(trained.config.output / "train", folder / "train")
    (run.clips / "classes.csv").write_bytes((trained.clips / "classes.csv").read_bytes())
    table = read_clips(trained.clips / "clips.csv")
    table[table["split"].isin(splits)].to_csv(run.clips / "clips.csv", index=False)
    return run


def test_each_model_has_its_calibration_beside_it(trained: MadeRun, tmp_path: Path) -> None:
    run = own_run(trained, tmp_path / "run")
    results = run_evaluate(run, run.run.evaluation.folder, best(run))
    assert list(results.confidence) == list(results.rows) == list(PAPER_ROWS)
    for part, path in best(run).items():
        found = results.confidence["fused" if part == "fusion" else part]
        beside = Calibration.beside(path)
        assert beside == Calibration(found.temperature, found.threshold, 0.1)
        assert beside != Calibration()
    again = read_results(run.run.evaluation)
    assert again is not None
    assert again.confidence == results.confidence


def test_tuned_weights_travel_with_the_model(trained: MadeRun, tmp_path: Path) -> None:
    run = own_run(trained, tmp_path / "run").with_config(evaluate={"samplings": 3, "weights": "tuned"})
    results = run_evaluate(run, run.run.evaluation.folder, best(run))
    assert Calibration.beside(best(run)["fusion"]).weights == results.weights["fused"]
    assert Calibration.beside(best(run)["rgb"]).weights is None


def test_another_test_of_the_same_trainings_leaves_their_calibration(trained: MadeRun, tmp_path: Path) -> None:
    """An experiment's, or one by hand: only the run's own test writes into `train`, an experiment's into its own."""
    run = own_run(trained, tmp_path / "run")
    files = best(run)
    experiment = run.run.shared_training("fusion", "0123").best
    experiment.parent.mkdir(parents=True)
    shutil.copy(files["fusion"], experiment)
    run_evaluate(run, tmp_path / "elsewhere", {**files, "fusion": experiment})
    assert not any(path.with_name(FILE).exists() for path in files.values())
    assert Calibration.beside(experiment) != Calibration()


def test_without_val_nothing_is_calibrated_and_nothing_old_is_left(trained: MadeRun, tmp_path: Path) -> None:
    run = own_run(trained, tmp_path / "run", ("train", "test"))
    checkpoint = best(run, "rgb")
    Calibration(2.0, 0.5, 0.1).save(checkpoint["rgb"].parent)
    results = run_evaluate(run, run.run.evaluation.folder, checkpoint)
    assert results.confidence == {}
    assert Calibration.beside(checkpoint["rgb"]) == Calibration()


def test_val_clips_that_were_all_left_out_are_as_none(
    make_run: MakeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train = {**TINY["train"], "rgb": phase(epochs=1, repeat=1)}
    run = make_run(tmp_path / "run", {"train": 2, "val": 1, "test": 1}, train=train)
    leave_out(run, "val")
    run.train("rgb")
    results = run_evaluate(run, run.run.evaluation.folder, best(run, "rgb"))
    assert (results.rows["rgb"].clips, results.confidence) == (3, {})
    assert "goes on without them" in caplog.text
    leave_out(run, "test")
    with pytest.raises(AllLeftOutError, match="expected some of 3 clips for rgb, found all left out"):
        run_evaluate(run, run.run.evaluation.folder, best(run, "rgb"))


def test_a_word_whose_training_clips_were_all_left_out_is_named(make_run: MakeRun, tmp_path: Path) -> None:
    train = {**TINY["train"], "rgb": phase(epochs=1, repeat=1)}
    run = make_run(tmp_path / "run", {"train": 2, "test": 2}, train=train)
    for shard, rows in run.run.clips().groupby("shard"):
        lost = rows["clip_id"][(rows["split"] == "train") & (rows["label"] == "blue")]
        write_shards(run.config, run.config.output, str(shard), rows, set(lost))
    run.train("rgb")
    results = run_evaluate(run, run.run.evaluation.folder, best(run, "rgb"))
    assert results.untrained == {"blue": 2}
    assert read_results(run.run.evaluation) == results
    said = "2 of 6 clips of test are of words of which no training clip could be used"
    assert said in result_text(results) and result_text(results).endswith("by chance at best: blue.")


def test_a_test_on_val_is_not_calibrated_on_it(trained: MadeRun, tmp_path: Path) -> None:
    run = own_run(trained, tmp_path / "run")
    checkpoint = best(run, "rgb")
    Calibration(2.0, 0.5, 0.1).save(checkpoint["rgb"].parent)
    assert run_evaluate(run, run.run.evaluation.folder, checkpoint, split="val").confidence == {}
    assert Calibration.beside(checkpoint["rgb"]).temperature == 2.0


def test_words_kept_out_of_training_are_unknown_signs(make_run: MakeRun, tmp_path: Path) -> None:
    train = {**TINY["train"], "rgb": phase(epochs=2), "unknown_words": ["blue"]}
    run = make_run(tmp_path / "run", {"train": 4, "val": 2, "test": 3}, train=train)
    run.train("rgb")
    summary = json.loads((run.run.training("rgb").folder / "summary.json").read_text())
    assert summary["clips"] == {"train": 8, "val": 4}  # of 12 and 6
    results = run_evaluate(run, run.run.evaluation.folder, best(run, "rgb"))
    assert results.rows["rgb"].clips == 6
    strangers = results.confidence["rgb"].strangers
    assert strangers is not None
    assert strangers.clips == 3
    assert 0 <= strangers.accepted <= 1
    predictions = pd.read_csv(run.run.evaluation.predictions)
    assert not predictions["clip_id"].str.startswith("test-2-").any()
    assert "AUROC of unknown words" in result_text(results)
