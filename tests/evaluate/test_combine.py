"""The rows out of the heads, by hand."""

import pandas as pd
import pytest
import torch

from camfuse.evaluate.combine import combine, row_sources
from camfuse.predict.probabilities import HeadPredictions


def test_combine_by_hand() -> None:
    heads = {
        ("rgb", "rgb"): torch.tensor([[1.0, 0.0]]),
        ("pose", "pose"): torch.tensor([[0.0, 1.0]]),
        ("fusion", "rgb"): torch.tensor([[0.8, 0.2]]),
        ("fusion", "pose"): torch.tensor([[0.4, 0.6]]),
        ("fusion", "joint"): torch.tensor([[0.0, 1.0]]),
    }
    weights = {"fused": {"rgb": 1.0, "pose": 1.0, "joint": 2.0}, "late": {"rgb": 3.0, "pose": 1.0}}
    rows = combine(HeadPredictions(pd.DataFrame(), torch.tensor([0]), heads), weights)  # type: ignore[arg-type]
    assert list(rows) == ["rgb", "pose", "fused", "late", "fusion/rgb", "fusion/pose", "fusion/joint"]
    assert rows["late"].tolist() == [[0.75, 0.25]]
    assert rows["fused"][0].tolist() == pytest.approx([0.3, 0.7])


def test_late_fusion_needs_two_streams_and_a_fused_model_of_one_input_has_its_row() -> None:
    heads = {("pose", "pose"): torch.tensor([[0.0, 1.0]]), ("fusion", "pose"): torch.tensor([[0.4, 0.6]])}
    found = HeadPredictions(pd.DataFrame(), torch.tensor([0]), heads)  # type: ignore[arg-type]
    assert list(row_sources(found)) == ["fused"]
    rows = combine(found, {"fused": {"pose": 1.0}})
    assert list(rows) == ["pose", "fused", "fusion/pose"]
