import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from camfuse.clips.table import read_clips
from camfuse.config import Split
from camfuse.data.dataset import ClipDataset
from camfuse.errors import StaleShardError, TableError, WeightsError
from camfuse.evaluate import ROWS, Predictions, Results, combine, evaluate, format_table, prediction_table
from camfuse.train import Checkpoint

PARTS = ("rgb", "pose", "fusion")


def best(run: Any, *parts: str) -> dict[str, Path]:
    return {part: run.config.output / "train" / part / "best.ckpt" for part in parts or PARTS}


def run_evaluate(run: Any, output: Path, checkpoints: Mapping[str, Path], split: Split = "test") -> Results:
    return evaluate(run.config, run.clips, run.crops, run.heatmaps, checkpoints, output, split)


@pytest.fixture(scope="module")
def tested(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    run_evaluate(trained, folder, best(trained))
    return folder


# ------------------------------------------------------------------------------------------- the files


def test_rows_as_the_paper_has_them(tested: Path) -> None:
    table = pd.read_csv(tested / "results.csv")
    assert table["row"].tolist() == list(ROWS)
    assert (table["n"] == 9).all()
    assert {"top1", "top1_low", "top1_high", "top3", "mean_class_accuracy", "ece"} <= set(table)
    assert table.set_index("row").loc["fused", "top1"] == 1.0
    results = json.loads((tested / "results.json").read_text())
    assert pd.DataFrame(results["rows"])["top1"].tolist() == table["top1"].tolist()
    assert results["main"] == "fused"
    assert results["split"] == "test"
    assert results["checkpoints"].keys() == set(PARTS)


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
        assert all(saved[row].sum(1) == pytest.approx(1, abs=1e-5) for row in ROWS)
        assert saved["late"] == pytest.approx((saved["rgb"] + saved["pose"]) / 2)
        heads = saved["fusion/rgb"] + saved["fusion/pose"] + saved["fusion/joint"]
        assert saved["fused"] == pytest.approx(heads / 3, abs=1e-6)


def test_same_bytes_again(trained: Any, tested: Path, tmp_path: Path) -> None:
    run_evaluate(trained, tmp_path, best(trained))
    names = sorted(path.name for path in tested.iterdir())
    assert names == ["confusion.csv", "predictions.csv", "probabilities.npz", "results.csv", "results.json"]
    assert all((tmp_path / name).read_bytes() == (tested / name).read_bytes() for name in names)


# ------------------------------------------------------------------------------------------- the numbers


def test_samplings_are_averaged_as_probabilities(trained: Any, tested: Path) -> None:
    run, rows = trained, read_clips(trained.clips / "clips.csv")
    test = rows[rows["split"] == "test"]
    dataset = ClipDataset(test, run.crops, run.heatmaps, run.config, part="fusion", augment=False, samplings=3)
    model = Checkpoint.load(best(run)["fusion"]).recogniser()
    with torch.inference_mode():
        # all samplings of the first clip as one batch, instead of one after the other
        logits = model(dataset[0]["rgb"], dataset[0]["heatmaps"])
    with np.load(tested / "probabilities.npz") as saved:
        for head, values in logits.items():
            assert saved[f"fusion/{head}"][0] == pytest.approx(values.softmax(1).mean(0).numpy(), abs=1e-5)


def test_combine_by_hand() -> None:
    heads = {
        ("rgb", "rgb"): torch.tensor([[1.0, 0.0]]),
        ("pose", "pose"): torch.tensor([[0.0, 1.0]]),
        ("fusion", "rgb"): torch.tensor([[0.8, 0.2]]),
        ("fusion", "pose"): torch.tensor([[0.4, 0.6]]),
        ("fusion", "joint"): torch.tensor([[0.0, 1.0]]),
    }
    rows = combine(heads, (1, 1, 2))  # type: ignore[arg-type]
    assert list(rows) == list(ROWS)
    assert rows["late"].tolist() == [[0.5, 0.5]]
    assert rows["fused"][0].tolist() == pytest.approx([0.3, 0.7])


def test_prediction_table_by_hand() -> None:
    clips = pd.DataFrame({"clip_id": ["a", "b"], "label": ["x", "y"], "signer": ["s", ""], "shard": ["0", "0"]})
    fused = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    table = prediction_table(Predictions(clips, ("x", "y", "z"), torch.tensor([0, 1]), {"fused": fused}))
    assert table["fused_label"].tolist() == ["x", "z"]
    assert table["fused_probability"].tolist() == pytest.approx([0.5, 0.7])
    assert table["top2_label"].tolist() == ["y", "y"]
    assert table["top3_probability"].tolist() == pytest.approx([0.2, 0.1])
    assert "top4_label" not in table


def test_other_split_and_fewer_parts(trained: Any, tmp_path: Path) -> None:
    results = run_evaluate(trained, tmp_path, best(trained, "rgb"), split="val")
    assert [row["row"] for row in results["rows"]] == ["rgb"]
    assert (results["split"], results["main"], results["rows"][0]["n"]) == ("val", "rgb", 6)
    both = run_evaluate(trained, tmp_path, best(trained, "rgb", "pose"), split="val")
    assert [row["row"] for row in both["rows"]] == ["rgb", "pose", "late"]
    assert both["main"] == "late"


def test_table_is_aligned_text(tested: Path) -> None:
    lines = format_table(json.loads((tested / "results.json").read_text())).splitlines()
    assert lines[0] == "test: 9 clips of 3 classes, 3 sampling(s) per clip, percent"
    assert lines[2].split() == ["top-1", "95", "%", "interval", "top-3", "per", "class", "ECE"]
    assert len({len(line) for line in lines[1:]}) == 1
    assert lines[6].split()[:2] == ["fused", "100.00"]


# ------------------------------------------------------------------------------------------- what does not fit


def test_checkpoint_of_other_classes(trained: Any, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "clips.csv").write_bytes((trained.clips / "clips.csv").read_bytes())
    (folder / "classes.csv").write_text("class_index,label\n0,red\n1,null\n2,green\n")
    with pytest.raises(WeightsError, match=r"\(red, null, green\), found 3 \(red, null, blue\): train rgb again"):
        evaluate(trained.config, folder, trained.crops, trained.heatmaps, best(trained), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_checkpoint_of_another_config(trained: Any, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected fingerprint \w+, found \w+: .* train rgb again"):
        run_evaluate(trained.with_config(seed=3), tmp_path, best(trained))


def test_checkpoints_in_the_wrong_place(trained: Any, tmp_path: Path) -> None:
    files = best(trained)
    with pytest.raises(WeightsError, match="expected a checkpoint of part rgb, found pose"):
        run_evaluate(trained, tmp_path, {"rgb": files["pose"]})
    with pytest.raises(WeightsError, match="expected checkpoints of rgb, pose, fusion, found both"):
        run_evaluate(trained, tmp_path, {"both": files["fusion"]})
    with pytest.raises(WeightsError, match="at least one of rgb, pose, fusion, found none"):
        run_evaluate(trained, tmp_path, {})
    with pytest.raises(WeightsError, match="no such checkpoint"):
        run_evaluate(trained, tmp_path, {"rgb": tmp_path / "missing.ckpt"})


def test_stale_shards(trained: Any, tmp_path: Path) -> None:
    # the fingerprint of `rgb` does not rest on the heatmaps, that of the shards does
    with pytest.raises((StaleShardError, WeightsError)):
        run_evaluate(trained.with_config(heatmaps={"sigma": 1.5}), tmp_path, best(trained))


def test_split_without_clips(make_run: Callable[..., Any], trained: Any, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 1, "val": 1})
    with pytest.raises(TableError, match="at least one clip of split `test`, found none"):
        run_evaluate(run, tmp_path / "out", best(trained))
