import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_results import made_results, made_score

from camfuse.errors import ConfigError
from camfuse.evaluate.prediction_files import Predictions, prediction_table, write_predictions

RESULTS = made_results({"fused": made_score(1.0)})


def test_prediction_table_by_hand() -> None:
    clips = pd.DataFrame({"clip_id": ["a", "b"], "label": ["x", "y"], "signer": ["s", ""], "shard": ["0", "0"]})
    fused = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    table = prediction_table(Predictions(clips, ("x", "y", "z"), torch.tensor([0, 1]), {"fused": fused}, "fused"))
    assert table["fused_label"].tolist() == ["x", "z"]
    assert table["fused_probability"].tolist() == pytest.approx([0.5, 0.7])
    assert table["top2_label"].tolist() == ["y", "y"]
    assert table["top3_probability"].tolist() == pytest.approx([0.2, 0.1])
    assert "top4_label" not in table


def test_of_equal_classes_the_first_is_named_everywhere() -> None:
    clips = pd.DataFrame({"clip_id": ["a"], "label": ["z"], "signer": [""]})
    equal = torch.tensor([[0.2, 0.4, 0.4]])
    table = prediction_table(Predictions(clips, ("x", "y", "z"), torch.tensor([2]), {"fused": equal}, "fused"))
    assert table[["fused_label", "top1_label", "top2_label"]].to_numpy().tolist() == [["y", "y", "z"]]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".npz", ".CSV", ".pkl"])
def test_one_file_in_the_form_of_its_name(suffix: str, tmp_path: Path) -> None:
    clips = pd.DataFrame({"clip_id": ["a"], "label": ["x"], "signer": [""]})
    fused = torch.tensor([[0.25, 0.75]])
    predictions = Predictions(clips, ("x", "y"), torch.tensor([0]), {"fused": fused}, "fused")
    path = tmp_path / f"out{suffix}"
    if suffix == ".pkl":
        with pytest.raises(ConfigError, match=r"ends in \.csv, \.json, \.npz, found '\.pkl'"):
            write_predictions(predictions, RESULTS, path)
        return
    write_predictions(predictions, RESULTS, path)
    if suffix == ".npz":
        with np.load(path) as saved:
            assert (saved["fused"].tolist(), saved["classes"].tolist()) == ([[0.25, 0.75]], ["x", "y"])
        return
    table = pd.read_csv(path) if suffix.lower() == ".csv" else pd.DataFrame(json.loads(path.read_text())["predictions"])
    assert table[["clip_id", "fused_label", "top2_label"]].to_numpy().tolist() == [["a", "y", "x"]]
