"""Heatmaps: values known by hand, mirroring, rounding, and the way through crop and map."""

from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_shards import write_shard, write_shard_table
from made_training import MakeConfig

from camfuse.config import Config
from camfuse.errors import StaleShardError
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.prep.heatmaps import render, render_heatmaps
from camfuse.run.shard import ClipData, Shard
from camfuse.run.stages import fingerprint
from camfuse.skeleton import LOWER_BODY, MIRROR, NUM_KEYPOINTS

SIGMA = 0.7


def one(x: float, y: float, score: float = 1.0) -> Any:
    return np.array([[[x, y, score]]], np.float32)


def dense(keypoints: Any, size: int, sigma: float, scale: float = 0.25) -> Any:
    """The formula written out, over all pixels."""
    centre = (keypoints[..., :2].astype(np.float64) + 0.5) * scale - 0.5
    pixels = np.arange(size)
    dx = np.abs(pixels - centre[..., :1])[:, :, None, :]
    dy = np.abs(pixels - centre[..., 1:2])[:, :, :, None]
    value = np.exp(-(dx**2 + dy**2) / (2 * sigma**2)) * keypoints[..., 2, None, None]
    return np.where((dx <= 3 * sigma) & (dy <= 3 * sigma), value, 0)


# ------------------------------------------------------------------------------------------- by hand


def test_centre_on_a_pixel() -> None:
    # crop x = 41.5 is heatmap (41.5 + 0.5) / 4 - 0.5 = 10; y = 81.5 is 20
    heatmap = render(one(41.5, 81.5), 64, SIGMA, dtype=np.float32)[0, 0]
    assert heatmap.shape == (64, 64)
    assert heatmap[20, 10] == 1
    assert heatmap[20, 11] == heatmap[20, 9] == heatmap[21, 10] == pytest.approx(exp(-1 / 0.98))
    assert heatmap[22, 11] == pytest.approx(exp(-5 / 0.98))
    assert heatmap[20, 13] == heatmap[23, 10] == 0  # 3 pixels are more than 3 sigma = 2.1
    assert np.count_nonzero(heatmap) == 25


def test_centre_between_pixels() -> None:
    # crop x = 44 is heatmap 10.625, y = 79.5 is 19.5
    heatmap = render(one(44, 79.5), 64, SIGMA, dtype=np.float32)[0, 0]
    assert heatmap[19, 10] == pytest.approx(exp(-(0.625**2 + 0.5**2) / 0.98))
    assert heatmap[20, 11] == pytest.approx(exp(-(0.375**2 + 0.5**2) / 0.98))
    assert heatmap[21, 12] == pytest.approx(exp(-(1.375**2 + 1.5**2) / 0.98))
    # columns within 2.1 of 10.625: 9..12; rows within 2.1 of 19.5: 18..21
    assert np.argwhere(heatmap).min(axis=0).tolist() == [18, 9]
    assert np.argwhere(heatmap).max(axis=0).tolist() == [21, 12]


def test_a_pixel_exactly_on_the_cut_belongs_to_it_on_both_sides() -> None:
    heatmap = render(one(41.5, 41.5), 64, 1.0, dtype=np.float32)[0, 0]  # centre 10, cut 3
    assert heatmap[10, 7] == heatmap[10, 13] == pytest.approx(exp(-4.5))
    assert np.count_nonzero(heatmap) == 49


def test_peak_is_the_score() -> None:
    assert render(one(41.5, 81.5, 0.6), 64, SIGMA)[0, 0, 20, 10] == 153
    assert render(one(41.5, 81.5, 0.6), 64, SIGMA, dtype=np.float32)[0, 0, 20, 10] == pytest.approx(0.6)
    assert render(one(41.5, 81.5, 1.7), 64, SIGMA)[0, 0, 20, 10] == 255  # no overflow
    np.testing.assert_array_equal(render(one(41.5, 81.5)[..., :2], 64, SIGMA), render(one(41.5, 81.5, 1.0), 64, SIGMA))


@pytest.mark.parametrize(
    "keypoint",
    [(np.nan, np.nan, 0), (np.nan, 5, 1), (5, np.inf, 1), (5, 5, np.nan), (0, 0, 0), (20, 20, 0), (20, 20, -1)],
)
def test_what_was_not_seen_gives_an_empty_map(keypoint: tuple[float, float, float]) -> None:
    keypoints = np.concatenate([one(*keypoint), one(41.5, 41.5)], axis=1)
    volume = render(keypoints, 64, SIGMA)
    assert volume[0, 0].max() == 0
    assert volume[0, 1].max() == 255


def test_partly_outside() -> None:
    # crop x = -3 is heatmap -1.125: of the 3-sigma window only column 0 is in the map
    heatmap = render(one(-3, 41.5), 64, SIGMA, dtype=np.float32)[0, 0]
    assert heatmap[10, 0] == pytest.approx(exp(-(1.125**2) / 0.98))
    assert np.flatnonzero(heatmap.any(axis=0)).tolist() == [0]
    mirrored = render(one(258, 41.5), 64, SIGMA, dtype=np.float32)[0, 0]
    assert np.flatnonzero(mirrored.any(axis=0)).tolist() == [63]


@pytest.mark.parametrize("far", [-12.0, 268.0, 1e9, -1e30])
def test_far_outside_is_empty(far: float) -> None:
    assert render(one(far, 41.5), 64, SIGMA).max() == 0
    assert render(one(41.5, far), 64, SIGMA).max() == 0


def test_a_window_larger_than_the_map() -> None:
    keypoints = one(7, 9, 0.8)
    np.testing.assert_allclose(render(keypoints, 4, 3.0, dtype=np.float32), dense(keypoints, 4, 3.0), atol=1e-6)


# ---------------------------------------------------------------------------------------- properties

coordinate = st.floats(-20, 276, width=32) | st.integers(-20 * 64, 276 * 64).map(lambda i: i / 64)
point = st.tuples(coordinate, coordinate, st.floats(0, 1, width=32))
clips = st.lists(st.lists(point, min_size=3, max_size=3), min_size=1, max_size=3).map(
    lambda rows: np.array(rows, np.float32)
)
sigmas = st.sampled_from([0.5, 0.6, 0.7, 1.0, 1.6, 2.0])


@given(keypoints=clips, sigma=sigmas)
def test_equals_the_dense_formula(keypoints: Any, sigma: float) -> None:
    exact = dense(keypoints, 64, sigma)
    as_float = render(keypoints, 64, sigma, dtype=np.float32)
    assert as_float.dtype == np.float32
    assert np.abs(as_float - exact).max() < 2e-7
    assert np.abs(render(keypoints, 64, sigma) / 255.0 - exact).max() <= 1 / 510 + 1e-6


@given(keypoints=clips, scale=st.sampled_from([0.25, 0.5, 1 / 3, 56 / 256]))
def test_any_scale(keypoints: Any, scale: float) -> None:
    found = render(keypoints, 40, SIGMA, scale=scale, dtype=np.float32)
    assert np.abs(found - dense(keypoints, 40, SIGMA, scale)).max() < 2e-7


@given(seed=st.integers(0, 2**32 - 1), sigma=sigmas)
@settings(max_examples=25)
def test_mirroring_keypoints_is_mirroring_the_volume(seed: int, sigma: float) -> None:
    random = np.random.default_rng(seed)
    keypoints = random.uniform(-10, 266, (2, NUM_KEYPOINTS, 3))
    keypoints[..., :2] = np.round(keypoints[..., :2] * 4096) / 4096  # so that 255 - x is exact in float32 as well
    keypoints[..., 2] = random.uniform(-0.1, 1, keypoints.shape[:2])
    keypoints = keypoints.astype(np.float32)
    mirrored = keypoints[:, MIRROR].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    for dtype in (np.uint8, np.float32):
        volume = render(keypoints, 64, sigma, dtype=dtype)
        np.testing.assert_array_equal(render(mirrored, 64, sigma, dtype=dtype), volume[:, MIRROR, :, ::-1])


@given(keypoints=clips)
@settings(max_examples=20)
def test_out_is_reused_and_cleared(keypoints: Any) -> None:
    for dtype in (np.uint8, np.float32):
        out = np.full((*keypoints.shape[:2], 64, 64), 7, dtype)
        given_back = render(keypoints, 64, SIGMA, out=out)
        assert given_back is out
        np.testing.assert_array_equal(out, render(keypoints, 64, SIGMA, dtype=dtype))


def test_the_callers_keypoints_stay() -> None:
    keypoints = one(3, 5, 1.5)
    before = keypoints.copy()
    render(keypoints, 64, SIGMA)
    np.testing.assert_array_equal(keypoints, before)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((1, 1, 64, 32), np.uint8), ((1, 1, 64, 64), np.float64), ((2, 1, 64, 64), np.uint8)]
)
def test_a_wrong_out_is_refused(shape: tuple[int, ...], dtype: Any) -> None:
    with pytest.raises(ValueError, match="expected out"):
        render(one(1, 1), 64, SIGMA, out=np.zeros(shape, dtype))


def test_an_out_that_is_not_contiguous_is_refused() -> None:
    with pytest.raises(ValueError, match="C-contiguous"):
        render(one(1, 1), 64, SIGMA, out=np.zeros((1, 1, 64, 64), np.uint8)[..., ::-1])


def test_wrong_keypoints_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(T, K, 2 or 3\), found \(133, 3\)"):
        render(np.zeros((133, 3)), 64, SIGMA)


# ---------------------------------------------------------------------------------------- the stage


def write_crops(folder: Path, config: Config, clips: dict[str, Any]) -> tuple[Path, Path]:
    table, crops = folder / "0000.csv", folder / "crops" / "0000.h5"
    write_shard_table(table, clips)
    facts = {"affine": np.eye(2, 3) * 2}
    data = {clip_id: ClipData({"keypoints": one}, [b"x"] * len(one), facts) for clip_id, one in clips.items()}
    write_shard(crops, "crops", config, data)
    return table, crops


def person(frames: int, size: int, seed: int) -> Any:
    random = np.random.default_rng(seed)
    keypoints = random.uniform(0.1, 0.9, (frames, NUM_KEYPOINTS, 3)).astype(np.float32)
    keypoints[..., :2] *= size
    keypoints[:, LOWER_BODY] = 0
    keypoints[:, 91:112] = (np.nan, np.nan, 0)
    return keypoints


@pytest.mark.parametrize(("size", "frames"), [(256, 3), (128, 6)])
def test_the_stage(tmp_path: Path, make_config: MakeConfig, size: int, frames: int) -> None:
    config = make_config(crops={"size": size})
    clips = {"a": person(frames, size, 1), "b": person(2, size, 2)}
    output = tmp_path / "heatmaps" / "0000.h5"
    render_heatmaps(config, *write_crops(tmp_path, config, clips), output)

    shard = Shard(output, stage="heatmaps", fingerprint=fingerprint("heatmaps", config))
    assert list(shard) == ["a", "b"]
    side = size // 4
    for clip_id, keypoints in clips.items():
        volume = shard.read("volume", clip_id)
        assert volume.shape == (len(keypoints), NUM_KEYPOINTS, side, side) and volume.dtype == np.uint8
        assert volume[:, LOWER_BODY].max() == volume[:, 91:112].max() == 0
        exact = np.nan_to_num(dense(keypoints, side, SIGMA))
        assert np.abs(volume / 255.0 - exact).max() <= 1 / 510 + 1e-6
        np.testing.assert_array_equal(shard.read("keypoints", clip_id), keypoints)
        np.testing.assert_array_equal(shard.fact("affine", clip_id), np.eye(2, 3) * 2)
    assert shard.provenance["sigma"] == SIGMA
    assert shard.provenance["pixel_rule"] == "centre at (x + 0.5) / 4 - 0.5"


def test_sigma_changes_the_maps(tmp_path: Path, make_config: MakeConfig) -> None:
    narrow, wide = make_config(heatmaps={"sigma": 0.7}), make_config(heatmaps={"sigma": 2.0})
    inputs = write_crops(tmp_path, narrow, {"a": person(2, 256, 1)})  # the same crops serve both
    sums = []
    for config in (narrow, wide):
        render_heatmaps(config, *inputs, tmp_path / "maps.h5")
        sums.append(int(Shard(tmp_path / "maps.h5", stage="heatmaps").read("volume", "a").sum(dtype=np.int64)))
    assert sums[1] > 4 * sums[0]


def test_zoomed_hands_change_the_maps_of_hands_alone(tmp_path: Path, make_config: MakeConfig) -> None:
    config = make_config(heatmaps={"hands": "zoomed"})
    keypoints = person(2, 256, 1)
    inputs = write_crops(tmp_path, config, {"a": keypoints})  # the same crops as without
    render_heatmaps(make_config(), *inputs, tmp_path / "place.h5")
    render_heatmaps(config, *inputs, tmp_path / "zoomed.h5")
    place, zoomed = (Shard(tmp_path / name, stage="heatmaps") for name in ("place.h5", "zoomed.h5"))
    drawn = zoom_hands(keypoints, 256, hand_zoom(keypoints, 256))
    np.testing.assert_array_equal(zoomed.read("volume", "a"), render(drawn, 64, SIGMA))
    np.testing.assert_array_equal(zoomed.read("volume", "a")[:, :91], place.read("volume", "a")[:, :91])
    assert (zoomed.read("volume", "a")[:, 112:] != place.read("volume", "a")[:, 112:]).any()
    np.testing.assert_array_equal(zoomed.read("keypoints", "a"), keypoints)
    assert zoomed.provenance["hands"] == "zoomed" and "hands" not in place.provenance


def test_the_centre_of_mass_is_the_keypoint(tmp_path: Path, make_config: MakeConfig) -> None:
    """Within half a crop pixel: what the crops test shows of the image holds in the map."""
    config = make_config()
    keypoints = person(2, 256, 3)
    output = tmp_path / "maps.h5"
    render_heatmaps(config, *write_crops(tmp_path, config, {"a": keypoints}), output)
    volume = Shard(output, stage="heatmaps").read("volume", "a").astype(np.float64)
    seen = keypoints[..., 2] > 0
    weight = volume[seen]
    total = weight.sum(axis=(1, 2))
    x = (weight.sum(axis=1) * np.arange(64)).sum(axis=1) / total
    y = (weight.sum(axis=2) * np.arange(64)).sum(axis=1) / total
    back = (np.stack([x, y], axis=1) + 0.5) * 4 - 0.5
    assert np.abs(back - keypoints[seen][:, :2]).max() < 0.5


def test_crops_of_another_config_are_refused(tmp_path: Path, make_config: MakeConfig) -> None:
    inputs = write_crops(tmp_path, make_config(), {"a": person(2, 256, 1)})
    with pytest.raises(StaleShardError):
        render_heatmaps(make_config(crops={"padding": 2.0}), *inputs, tmp_path / "maps.h5")
