"""Crops: the box, the affine, and a drawn dot that stays on its keypoint."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_shards import jpegs, write_shard, write_shard_table
from made_training import MakeConfig

from camfuse.config import Config, Crops
from camfuse.errors import BadClipsError, ShardError, StaleShardError
from camfuse.geometry import transform_points
from camfuse.jpeg import encode_jpeg
from camfuse.prep import crops as crops_module
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.crops import crop_affine, crop_clip, crop_clips, crop_image, lazy_crops, zero_keypoints
from camfuse.run.shard import ClipData, LeftOut, Shard
from camfuse.run.stages import fingerprint
from camfuse.skeleton import LOWER_BODY, NUM_KEYPOINTS

HEIGHT, WIDTH = 100, 200


def nobody(frames: int) -> Any:
    keypoints = np.full((frames, NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    return keypoints


def corners(frames: int, low: tuple[float, float], high: tuple[float, float]) -> Any:
    """A person whose nose and left wrist span the box in every frame."""
    keypoints = nobody(frames)
    keypoints[:, 0] = (*low, 1)
    keypoints[:, 9] = (*high, 1)
    return keypoints


def affine_of(keypoints: Any, *, size: int = 64, padding: float = 1.0, min_score: float = 0.1) -> Any:
    return crop_affine(keypoints, HEIGHT, WIDTH, size=size, padding=padding, min_score=min_score)


def box_of(affine: Any, size: int = 64) -> list[float]:
    """The crop's edges in frame pixels."""
    edges = np.array([[-0.5, -0.5], [size - 0.5, size - 0.5]])
    return transform_points(edges, cv2.invertAffineTransform(affine)).ravel().tolist()


# ------------------------------------------------------------------------------------------ the box


def test_box_by_hand() -> None:
    # 40 wide, 20 high: a square of 40 around (40, 50), so the edges are 20..60 and 30..70; 64 / 40 = 1.6.
    affine = affine_of(corners(4, (20, 40), (60, 60)))
    assert affine.dtype == np.float64
    assert affine == pytest.approx(np.array([[1.6, 0, -20 * 1.6 - 0.5], [0, 1.6, -30 * 1.6 - 0.5]]))


def test_padding_widens_around_the_centre_and_may_leave_the_image() -> None:
    assert box_of(affine_of(corners(4, (20, 40), (60, 60)), padding=2)) == pytest.approx([0, 10, 80, 90])
    assert box_of(affine_of(corners(4, (0, 10), (80, 90)), padding=1.25)) == pytest.approx([-10, 0, 90, 100])


def test_nan_low_scores_and_the_origin_do_not_count() -> None:
    keypoints = corners(5, (20, 40), (60, 60))
    expected = box_of(affine_of(keypoints))
    keypoints[:, 91] = (190, 95, 0.05)  # seen, but below min_score
    keypoints[:, 92] = (np.nan, 95, 0.9)
    keypoints[2] = nobody(1)[0]  # a frame without anybody
    assert box_of(affine_of(zero_keypoints(keypoints, LOWER_BODY))) == pytest.approx(expected)


def test_score_zero_never_counts_even_when_the_limit_is_zero() -> None:
    keypoints = zero_keypoints(corners(3, (20, 40), (60, 60)), LOWER_BODY)
    assert box_of(affine_of(keypoints, min_score=0)) == pytest.approx([20, 30, 60, 70])


def test_all_frames_count() -> None:
    keypoints = corners(10, (20, 40), (60, 60))
    keypoints[4:7, 9] = (100, 60, 1)  # three frames of reaching out
    assert box_of(affine_of(keypoints)) == pytest.approx([20, 10, 100, 90])


@pytest.mark.parametrize("frame", [0, 4, 9])
@pytest.mark.parametrize("wild", [(199, 0), (1e6, -1e6), (-1e30, 5)])
def test_a_jump_of_one_frame_is_not_followed(frame: int, wild: tuple[float, float]) -> None:
    keypoints = corners(10, (20, 40), (60, 60))
    keypoints[frame, 100] = (*wild, 1)
    assert box_of(affine_of(keypoints)) == pytest.approx([20, 30, 60, 70])


def test_a_point_that_stays_far_outside_counts_as_on_the_border() -> None:
    keypoints = corners(10, (20, 40), (60, 60))
    keypoints[:, 10] = (40, 1e5, 1)  # an elbow guessed far below the image
    # y from 40 to the image's edge 99.5: side 59.5 around (40, 69.75)
    assert box_of(affine_of(keypoints)) == pytest.approx([10.25, 40, 69.75, 99.5])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_clips(frames: int) -> None:
    assert box_of(affine_of(corners(frames, (20, 40), (60, 60)))) == pytest.approx([20, 30, 60, 70])


def test_nobody_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"nobody was found in any of its 3 frames.*lower `crops.min_score`"):
        affine_of(nobody(3))


def test_a_speck_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"at least 8 pixels.*found 3\.0"):
        affine_of(corners(3, (20, 40), (23, 40)))


@given(
    low=st.tuples(st.floats(-50, 150), st.floats(-50, 80)),
    high=st.tuples(st.floats(20, 300), st.floats(20, 180)),
    padding=st.floats(1, 3),
    frames=st.integers(1, 5),
)
def test_what_is_in_the_image_is_in_the_crop(low: Any, high: Any, padding: float, frames: int) -> None:
    keypoints = corners(frames, low, high)
    try:
        affine = affine_of(keypoints, padding=padding)
    except ValueError:
        seen = np.clip(keypoints[0, [0, 9], :2], -0.5, (WIDTH - 0.5, HEIGHT - 0.5))
        assert np.ptp(seen, axis=0).max() < 8.01
        return
    assert affine[0, 0] == affine[1, 1] > 0 == affine[0, 1] == affine[1, 0]
    inside = np.clip(keypoints[..., :2], -0.5, (WIDTH - 0.5, HEIGHT - 0.5))
    moved = transform_points(inside[:, [0, 9]], affine)
    assert moved.min() > -0.51 and moved.max() < 63.51


# ------------------------------------------------------------------------------------ pixels and points


def test_transform_by_hand_keeps_scores_nan_and_the_callers_array() -> None:
    keypoints = np.array([[1, 2, 0.25], [np.nan, np.nan, 0]], np.float32)
    before = keypoints.copy()
    moved = transform_points(keypoints, np.array([[2.0, 0, 10], [0, 3.0, -1]]))
    assert moved.dtype == np.float32
    np.testing.assert_array_equal(moved, np.array([[12, 5, 0.25], [np.nan, np.nan, 0]], np.float32))
    np.testing.assert_array_equal(keypoints, before)


def test_zero_keypoints_copies() -> None:
    keypoints = np.ones((2, NUM_KEYPOINTS, 3), np.float32)
    zeroed = zero_keypoints(keypoints, LOWER_BODY)
    assert zeroed[:, 11:23].sum() == 0
    assert zeroed.sum() == 2 * 3 * (133 - 12)
    assert keypoints.min() == 1


def centroid(image: Any) -> Any:
    weight = image.astype(np.float64)
    weight[weight < 0.2 * weight.max()] = 0  # JPEG noise
    rows, columns = np.indices(weight.shape)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def dot(height: int, width: int, at: tuple[float, float], radius: float) -> Any:
    """A white disc, its edge smoothed over one pixel, centred between pixels where `at` is."""
    rows, columns = np.indices((height, width))
    distance = np.hypot(columns - at[0], rows - at[1])
    return np.repeat((np.clip(radius + 0.5 - distance, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("height", "width", "side", "radius"),
    [(1080, 1920, 1000, 10), (1080, 1920, 1350.7, 10), (360, 640, 256, 3), (192, 288, 120.3, 2), (240, 240, 60, 1.5)],
)
def test_a_drawn_dot_stays_on_its_keypoint(height: int, width: int, side: float, radius: float) -> None:
    size, corner = 256, np.array([width / 2 - side / 2, height / 2 - side / 2])
    scale = size / side
    affine = np.array([[scale, 0, -corner[0] * scale - 0.5], [0, scale, -corner[1] * scale - 0.5]])
    for share in ((0.5, 0.5), (0.2, 0.31), (0.77, 0.6)):
        at = corner + np.array(share) * side
        crop = crop_image(dot(height, width, (at[0], at[1]), radius), affine, size)
        assert crop.shape == (size, size, 3)
        assert centroid(crop[..., 0]) == pytest.approx(transform_points(at, affine), abs=0.2)


def test_the_identity_affine_changes_no_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(crop_image(image, np.eye(2, 3), 64), image)


def test_shrinking_by_a_whole_number_is_the_mean_of_the_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    crop = crop_image(image, np.array([[1 / 3, 0, -1 / 3], [0, 1 / 3, -1 / 3]]), 32)
    mean = image.reshape(32, 3, 32, 3, 3).mean(axis=(1, 3))
    assert np.abs(crop - mean).max() <= 1


def test_fine_stripes_turn_grey_instead_of_aliasing() -> None:
    image = np.zeros((900, 900, 3), np.uint8)
    image[:, ::2] = 255
    scale = 128 / 900
    crop = crop_image(image, np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5]]), 128)
    assert np.abs(crop[2:-2, 2:-2].astype(float) - 127.5).max() < 24


def test_outside_the_image_is_black() -> None:
    crop = crop_image(np.full((50, 50, 3), 200, np.uint8), np.array([[1.0, 0, 25], [0, 1.0, 25]]), 100)
    assert crop[:24].max() == crop[:, 76:].max() == 0
    assert crop[30:70, 30:70].min() == 200


# ---------------------------------------------------------------------------------------- the stage


def write_inputs(folder: Path, config: Config, clips: dict[str, tuple[Any, Any]]) -> tuple[Path, Path, Path]:
    """Write frames and pose shards by hand: id -> (images (T, H, W, 3) RGB, keypoints)."""
    table, frames, pose = folder / "0000.csv", folder / "frames" / "0000.h5", folder / "pose" / "0000.h5"
    write_shard_table(table, clips)
    write_shard(frames, "frames", config, {clip_id: decoded(images) for clip_id, (images, _) in clips.items()})
    poses = {clip_id: ClipData(frames={"keypoints": keypoints}) for clip_id, (_, keypoints) in clips.items()}
    write_shard(pose, "pose", config, poses)
    return table, frames, pose


def decoded(images: Any) -> ClipData:
    height, width = images.shape[1:3]
    facts = {"height": height, "width": width, "fps": 25.0}
    return ClipData({"time": np.arange(len(images)) / 25}, jpegs(images[..., ::-1]), facts)


def dotted_clip(height: int, width: int, frames: int) -> tuple[Any, Any]:
    """A white dot on the left index fingertip that wanders, everything else dark; hips far below."""
    keypoints = corners(frames, (width * 0.3, height * 0.2), (width * 0.6, height * 0.8))
    keypoints[:, 11] = (width * 0.4, height * 0.99, 1)
    images = np.zeros((frames, height, width, 3), np.uint8)
    for t in range(frames):
        at = (width * (0.35 + 0.02 * t), height * (0.3 + 0.03 * t))
        keypoints[t, 99] = (*at, 0.75)
        images[t] = dot(height, width, at, 2 + height / 150)
    return images, keypoints


@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (192, 288)])
def test_through_the_stage_the_dot_stays_on_its_keypoint(
    tmp_path: Path, make_config: MakeConfig, height: int, width: int
) -> None:
    config = make_config(crops={"size": 128})
    output = tmp_path / "crops" / "0000.h5"
    inputs = write_inputs(tmp_path, config, {"a": dotted_clip(height, width, 5)})
    crop_clips(config, *inputs, output)

    shard = Shard(output, stage="crops", fingerprint=fingerprint("crops", config))
    keypoints, affine = shard.read("keypoints", "a"), shard.fact("affine", "a")
    assert keypoints.shape == (5, 133, 3) and keypoints.dtype == np.float32
    assert affine.shape == (2, 3) and affine.dtype == np.float64
    assert np.all(keypoints[:, 11:23] == 0)
    assert np.isnan(keypoints[:, 50, :2]).all() and np.all(keypoints[:, 50, 2] == 0)
    assert np.all(keypoints[:, 99, 2] == np.float32(0.75))
    # The lower body does not count: 0.2 .. 0.8 of the height, padded by 1.25, is the side.
    assert affine[0, 0] == pytest.approx(128 / (1.25 * max(0.6 * height, 0.3 * width)), rel=1e-6)
    for t, jpeg in enumerate(shard.jpeg("a")):
        crop = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert crop.shape == (128, 128)
        assert centroid(crop) == pytest.approx(keypoints[t, 99, :2], abs=0.5)


def test_colours_stay(tmp_path: Path, make_config: MakeConfig) -> None:
    config = make_config()
    _, keypoints = dotted_clip(96, 96, 2)
    images = np.broadcast_to(np.array([200, 30, 60], np.uint8), (2, 96, 96, 3))
    output = tmp_path / "crops.h5"
    crop_clips(config, *write_inputs(tmp_path, config, {"a": (images, keypoints)}), output)
    data = Shard(output, stage="crops").jpeg("a")[0]
    rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert rgb[128, 128] == pytest.approx([200, 30, 60], abs=6)


def test_the_same_twice_gives_the_same_bytes(tmp_path: Path, make_config: MakeConfig) -> None:
    config = make_config()
    inputs = write_inputs(tmp_path, config, {"a": dotted_clip(120, 160, 3)})
    outputs = [tmp_path / "one.h5", tmp_path / "two.h5"]
    for output in outputs:
        crop_clips(config, *inputs, output)
    one, two = (Shard(output, stage="crops").clip("a") for output in outputs)
    assert list(one.jpeg) == list(two.jpeg)
    np.testing.assert_array_equal(one.frames["keypoints"], two.frames["keypoints"])


def test_nobody_found_names_the_clip_and_loses_nothing(tmp_path: Path, make_config: MakeConfig) -> None:
    images, keypoints = dotted_clip(120, 160, 3)
    clips = {"empty": (images, nobody(3)), "good": (images, keypoints)}
    config = make_config()
    inputs = write_inputs(tmp_path, config, clips)
    output = tmp_path / "crops" / "0000.h5"
    with pytest.raises(BadClipsError, match=r"empty: nobody was found in any of its 3 frames"):
        crop_clips(config, *inputs, output)
    assert not output.exists()
    assert len(list((tmp_path / "crops" / "0000.h5.work").glob("*.npz"))) == 1

    skipping = make_config(bad_clips="skip")
    crop_clips(skipping, *inputs, output)
    shard = Shard(output, stage="crops")
    assert list(shard) == ["good"]
    assert shard.left_out["empty"].reason.startswith("nobody was found")


def test_clips_that_upstream_left_out_are_passed_over(tmp_path: Path, make_config: MakeConfig) -> None:
    config = make_config(bad_clips="skip")
    table, frames, pose = write_inputs(tmp_path, config, {"a": dotted_clip(120, 160, 2)})
    table.write_text(table.read_text() + "broken,broken.mp4,0,,,x\n")
    output = tmp_path / "crops.h5"
    with pytest.raises(ShardError, match="broken"):  # neither there nor known as bad
        crop_clips(config, table, frames, pose, output)
    images, keypoints = dotted_clip(120, 160, 2)
    lost = LeftOut("frames", "cannot be decoded")
    write_shard(frames, "frames", config, {"a": decoded(images), "broken": lost})
    write_shard(pose, "pose", config, {"a": ClipData(frames={"keypoints": keypoints}), "broken": lost})
    crop_clips(config, table, frames, pose, output)
    shard = Shard(output, stage="crops")
    assert list(shard) == ["a"]
    assert shard.left_out == {"broken": LeftOut("frames", "cannot be decoded")}


def test_inputs_of_another_config_are_refused(tmp_path: Path, make_config: MakeConfig) -> None:
    config = make_config()
    inputs = write_inputs(tmp_path, config, {"a": dotted_clip(120, 160, 2)})
    with pytest.raises(StaleShardError):
        crop_clips(make_config(frames={"quality": 50}), *inputs, tmp_path / "crops.h5")


def test_frames_and_pose_of_different_length_are_refused(tmp_path: Path, make_config: MakeConfig) -> None:
    config = make_config()
    images, keypoints = dotted_clip(120, 160, 3)
    inputs = write_inputs(tmp_path, config, {"a": (images, keypoints[:2])})
    with pytest.raises(ShardError, match=r"expected 3 frames.*found 2"):
        crop_clips(config, *inputs, tmp_path / "crops.h5")


def test_keeping_the_hands_alone_drops_everything_else() -> None:
    from camfuse.config import Crops
    from camfuse.prep.crops import dropped_keypoints

    assert dropped_keypoints(Crops()) == list(range(11, 23))
    assert dropped_keypoints(Crops(keep="hands")) == list(range(91))


def test_images_are_cut_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    coded = [encode_jpeg(np.full((60, 80, 3), 20 * t, np.uint8), 95) for t in range(5)]
    frames = ClipFrames(coded, np.arange(5) / 25, 60, 80, 25)
    keypoints = np.full((5, NUM_KEYPOINTS, 3), 0.9, np.float32)
    keypoints[..., :2] = np.linspace(10, 50, NUM_KEYPOINTS)[None, :, None]
    whole = crop_clip("c", frames, keypoints, Crops(size=32))
    cut: list[int] = []

    def counted(image: Any, affine: Any, size: int) -> Any:
        cut.append(1)
        return crop_image(image, affine, size)

    monkeypatch.setattr(crops_module, "crop_image", counted)
    lazy = lazy_crops("c", frames, keypoints, Crops(size=32))
    assert (len(lazy), cut) == (5, [])
    assert lazy.jpeg[3] == whole.jpeg[3] and lazy.jpeg[1:3][1] == whole.jpeg[2]
    assert len(cut) == 2
    np.testing.assert_array_equal(lazy.keypoints, whole.keypoints)
