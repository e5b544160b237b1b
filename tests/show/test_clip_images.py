"""The drawn images of one clip: sizes, times, and what lies where."""

from dataclasses import replace

import numpy as np
import pytest

from camfuse.errors import ShardError
from camfuse.prep.arrays import ClipCrops, ClipFrames
from camfuse.prep.heatmaps import render_clip
from camfuse.run.layout import Run
from camfuse.show.clip_images import TILE, WIDEST, ClipImages
from camfuse.show.clip_view import ClipView, view_stored
from camfuse.show.draw import COLOURS, INK
from tests.show.made_clips import FRAMES, HEIGHT, WIDTH, images, not_keeping


def cut(view: ClipView, count: int) -> ClipView:
    """Return a view of the first frames only."""
    frames, crops, keypoints = view.frames, view.crops, view.keypoints
    assert frames is not None and keypoints is not None
    return replace(
        view,
        frames=ClipFrames(frames.jpeg[:count], frames.time[:count], frames.height, frames.width, frames.fps),
        keypoints=keypoints[:count],
        crops=ClipCrops(crops.jpeg[:count], crops.keypoints[:count], crops.affine),
    )


@pytest.fixture
def unkept(run: Run) -> ClipImages:
    """A clip whose frames are gone."""
    run.shard_path("frames", "0000").unlink()
    return images(not_keeping(run), "book_01")


def test_facts_of_a_clip(run: Run) -> None:
    clip = images(run, "book_02")
    assert (len(clip), clip.label, clip.rate) == (FRAMES, "book", 12.5)
    assert clip.times[:2] == pytest.approx([0, 0.08])
    assert clip.notes == "12 frames · 161 x 90 · 12.5 fps"


def test_facts_of_a_clip_of_one_frame(run: Run) -> None:
    clip = ClipImages(cut(view_stored(run, "book_01"), 1), run.config)
    assert (len(clip), clip.times) == (1, [0.0])
    assert clip.notes == "1 frame · 161 x 90 · 12.5 fps"


def test_facts_of_a_clip_without_frames(unkept: ClipImages) -> None:
    assert (unkept.rate, unkept.notes) == (25.0, "12 frames")
    assert unkept.times == pytest.approx([t / 25 for t in range(FRAMES)])
    with pytest.raises(ShardError, match="clip book_01: the frames were not kept; set `frames: keep: true`"):
        unkept.frame(0, height=90, width=161)


def test_skeleton_and_box_follow_a_resized_frame(run: Run) -> None:
    clip = images(run, "book_01")
    drawn = clip.frame(0, height=4 * HEIGHT, width=4 * WIDTH).astype(int)
    shoulder = drawn[40 * 4 + 2, 80 * 4 + 2]  # halfway between the shoulders (100, 40) and (60, 40)
    assert np.abs(shoulder - (38, 208, 150)).max() < 15
    # The box: the keypoints kept span 60 x 60 around (80, 50), padded to 75: its left edge is x = 42.5.
    edge = drawn[50 * 4, round((42.5 + 0.5) * 4 - 0.5)]
    assert edge.min() > 200


def test_a_crop_has_its_skeleton_where_the_frame_has_it(run: Run) -> None:
    clip = images(run, "book_01")
    bare, drawn = (clip.crop(0, 192, skeleton=skeleton).astype(int) for skeleton in (False, True))
    assert bare.shape == drawn.shape == (192, 192, 3)
    # Frame pixel (80, 40), between the shoulders, is 37.5 of the box's 75 pixels from its left and 27.5 from its top.
    y, x = round(27.5 / 75 * 192), round(37.5 / 75 * 192)
    assert np.abs(drawn[y, x] - (38, 208, 150)).max() < 15
    assert np.abs(bare[y, x] - (30, 90, 60)).max() < 10  # the frame's own colour


def test_heatmaps_shine_over_the_crop(run: Run) -> None:
    clip = images(run, "book_01")
    shining, bare = clip.heatmaps(0, 64).astype(int), clip.crop(0, 64, skeleton=False).astype(int)
    assert shining.shape == (64, 64, 3)
    # The nose, frame pixel (80, 20), is 37.5 and 7.5 of 75 pixels into the box.
    assert shining[round(7.5 / 75 * 64), 32].sum() > bare.sum(axis=-1).max()
    assert shining[60, 32].sum() < 0.6 * bare[60, 32].sum()  # where no keypoint is, the crop is dimmed


def test_zoomed_hands_do_not_shine_over_the_crop(run: Run) -> None:
    place, view = images(run, "book_01"), view_stored(run, "book_01")
    heatmaps = run.config.heatmaps.model_copy(update={"hands": "zoomed"})
    config = run.config.model_copy(update={"heatmaps": heatmaps})
    volume = render_clip(view.crops.keypoints, config)
    zoomed = ClipImages(replace(view, heatmaps=volume.__getitem__), config)
    # the right hand's only point, frame pixel (60, 80), is 17.5 and 67.5 of 75 pixels into the box
    y, x = round(67.5 / 75 * 64), round(17.5 / 75 * 64)
    blue = (COLOURS["right_hand"][2] + 255) / 3
    assert place.heatmaps(0, 64)[y - 1 : y + 2, x - 1 : x + 2, 2].max() > blue
    assert zoomed.heatmaps(0, 64)[y - 1 : y + 2, x - 1 : x + 2, 2].max() < blue
    right, left = zoomed.hands(0, 64)
    assert np.unravel_index(right[..., 2].argmax(), (64, 64)) == pytest.approx((31.5, 31.5), abs=1)
    assert (left == left[0, 0]).all() and left[0, 0].tolist() == pytest.approx(INK, abs=5)
    assert zoomed.notes.endswith("hands zoomed") and "zoomed" not in place.notes
    assert zoomed.sheet(3, 101).shape[0] - place.sheet(3, 101).shape[0] == 50 + 8
    assert next(zoomed.animation(64)).shape[1] - next(place.animation(64)).shape[1] == 2 * (64 + 6)


def test_contact_sheet(run: Run) -> None:
    height, width, _ = images(run, "book_01").sheet(columns=4).shape
    assert width == pytest.approx(4 * TILE, abs=150)
    assert height == pytest.approx(TILE * HEIGHT / WIDTH + 2 * TILE, abs=150)


def test_a_sheet_has_no_more_columns_than_the_clip_has_frames(run: Run) -> None:
    clip = images(run, "book_01")
    np.testing.assert_array_equal(clip.sheet(columns=50, tile=64), clip.sheet(columns=FRAMES, tile=64))


def test_a_sheet_without_frames_has_two_rows(unkept: ClipImages) -> None:
    assert unkept.sheet(columns=3).shape[0] == pytest.approx(2 * TILE, abs=110)


def test_an_animation_has_every_frame_beside_crop_and_heatmaps(run: Run) -> None:
    found = list(images(run, "book_01").animation(side=64))
    assert len(found) == FRAMES
    (shape,) = {image.shape for image in found}
    assert shape[0] % 2 == shape[1] % 2 == 0
    wide = round(64 * WIDTH / HEIGHT)  # as high as the crop
    assert shape[1] == pytest.approx(wide + 2 * 64 + 2 * 6, abs=1)
    assert (found[0] != found[-1]).any()  # the wrist has moved


def test_a_very_wide_frame_gets_smaller(run: Run) -> None:
    view = view_stored(run, "book_01")
    assert view.frames is not None
    wide = replace(view, frames=replace(view.frames, width=4 * HEIGHT))
    image = next(ClipImages(wide, run.config).animation(side=64))
    assert image.shape[1] == pytest.approx(WIDEST * 64 + 2 * 64 + 2 * 6, abs=1)


def test_an_animation_without_frames_is_crop_and_heatmaps(unkept: ClipImages) -> None:
    image = next(unkept.animation(side=64))
    assert image.shape[1] == 2 * 64 + 6
