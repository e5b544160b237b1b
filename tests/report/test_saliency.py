"""How much each part counts, and the drawn sheets of a trained run."""

import base64
from pathlib import Path

import cv2
import numpy as np
from made_training import THREE, MakeRun

from camfuse.data.sequence import KEYPOINTS
from camfuse.data.sequence_channels import CHANNELS, NUM_CHANNELS
from camfuse.report.saliency import BAR, BARS, COLUMNS, TILE, bars, by_part, draw_saliency, saliency_sheet, skeleton


def test_parts_add_up_their_channels_and_one_is_the_mean() -> None:
    saliency = np.zeros((NUM_CHANNELS, 4), np.float32)
    saliency[CHANNELS["left"].start : CHANNELS["left"].start + 2, 1] = 3
    saliency[CHANNELS["body"].start, 3] = 2
    found = by_part(saliency)
    assert list(found) == list(CHANNELS)
    np.testing.assert_allclose(found["left"], [0, 12, 0, 0])  # 6 of 8 in 1 of 16 places
    np.testing.assert_allclose(found["body"], [0, 0, 0, 4])
    assert not any(values.any() for values in by_part(np.zeros_like(saliency)).values())


def test_bars_are_as_high_as_they_count() -> None:
    image = bars(np.array([0, 2, 9], np.float32))
    heights = [int((image[:, round((n + 0.4) * TILE / 3)] == BAR).all(1).sum()) for n in range(3)]
    assert heights[0] == 0 and abs(heights[1] - BARS / 2) <= 4 and heights[2] >= BARS - 4


def test_a_sheet_has_a_column_for_each_part_of_the_clip() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (16, len(KEYPOINTS), 2)).astype(np.float32)
    points[:, 20:] = np.nan
    assert skeleton(points[0]).std() > 5 and skeleton(np.full_like(points[0], np.nan)).std() == 0
    sheet = saliency_sheet("book", "clip", points, by_part(np.ones((NUM_CHANNELS, 16), np.float32)))
    assert sheet.shape[1] > COLUMNS * TILE


def test_clips_of_a_trained_run(make_run: MakeRun, tmp_path: Path) -> None:
    phase = {"epochs": 1, "repeat": 1, "batch": 3, "rate": 0.01, "base_batch": 3}
    model = THREE | {"rgb": None, "pose": None, "fusion": None}
    run = make_run(tmp_path / "run", {"train": 2, "test": 1}, model=model, train={"sequence": phase})
    run.train("sequence")
    first, second = draw_saliency(run.run, ["test-1-0", "test-2-0"])
    assert (first.clip_id, second.clip_id) == ("test-1-0", "test-2-0")
    image = cv2.imdecode(np.frombuffer(base64.b64decode(first.image.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[:2] == (first.height, first.width)
    assert draw_saliency(run.run, ["test-1-0"]) == [first]
