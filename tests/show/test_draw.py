"""Drawing: what is drawn lies where it should, and nothing else changes."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from camfuse.geometry import rescale_points
from camfuse.prep.crops import crop_image
from camfuse.prep.heatmaps import render
from camfuse.show.draw import (
    COLOURS,
    GROUPS,
    Colour,
    Image,
    box_corners,
    contact_sheet,
    draw_box,
    draw_heatmaps,
    draw_skeleton,
    drawable,
    resize,
    side_by_side,
    write,
)
from camfuse.skeleton import NUM_KEYPOINTS

GREY = 120


def grey(height: int = 200, width: int = 300) -> Image:
    return np.full((height, width, 3), GREY, np.uint8)


def unseen() -> NDArray[np.float32]:
    keypoints = np.full((NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[:, 2] = 0
    return keypoints


def changed(image: Image) -> list[int]:
    """(x0, y0, x1, y1) of what is no longer grey."""
    rows, columns = np.nonzero((image != GREY).any(axis=2))
    return [columns.min(), rows.min(), columns.max(), rows.max()]


def close(pixel: Image, colour: Colour, tolerance: int = 12) -> bool:
    return bool(np.abs(pixel.astype(int) - np.array(colour)).max() <= tolerance)


# ------------------------------------------------------------------------------------------ skeleton


def test_every_keypoint_has_one_group() -> None:
    assert sorted(k for members in GROUPS.values() for k in members) == list(range(NUM_KEYPOINTS))
    assert GROUPS.keys() == COLOURS.keys()
    assert COLOURS["left_hand"] != COLOURS["right_hand"]


def test_a_bone_lies_between_its_joints_in_its_colour() -> None:
    keypoints = unseen()
    keypoints[112] = (50, 40, 1)  # right wrist to the first joint of the right thumb
    keypoints[113] = (150, 140, 1)
    image = grey()
    drawn = draw_skeleton(image, keypoints)
    assert close(drawn[90, 100], COLOURS["right_hand"])
    assert close(drawn[40, 50], COLOURS["right_hand"])
    assert changed(drawn) == pytest.approx([50, 40, 150, 140], abs=3)
    assert (image == GREY).all()  # the caller's image stays


def test_left_and_right_hand_have_their_own_colours() -> None:
    keypoints = unseen()
    keypoints[91] = (50, 40, 1)
    keypoints[112] = (250, 40, 1)
    drawn = draw_skeleton(grey(), keypoints)
    assert close(drawn[40, 50], COLOURS["left_hand"])
    assert close(drawn[40, 250], COLOURS["right_hand"])


@pytest.mark.parametrize("keypoint", [(np.nan, np.nan, 0), (60, 60, 0), (60, 60, 0.09), (np.nan, 60, 1)])
def test_what_was_not_seen_is_left_out_with_its_bones(keypoint: tuple[float, float, float]) -> None:
    keypoints = unseen()
    keypoints[5] = (200, 100, 1)
    keypoints[7] = keypoint
    drawn = draw_skeleton(grey(), keypoints)
    assert changed(drawn) == pytest.approx([200, 100, 200, 100], abs=4)  # the shoulder's dot alone
    np.testing.assert_array_equal(draw_skeleton(grey(), unseen()), grey())


def test_points_far_outside_do_not_hurt() -> None:
    keypoints = unseen()
    keypoints[5] = (150, 100, 1)
    keypoints[7] = (150, 1e12, 1)
    drawn = draw_skeleton(grey(), keypoints)
    assert close(drawn[190, 150], COLOURS["body"])
    assert (drawn[:90] == GREY).all()


def test_line_width_grows_with_the_image() -> None:
    keypoints = unseen()
    keypoints[5], keypoints[7] = (20, 64, 1), (108, 64, 1)
    small = np.count_nonzero((draw_skeleton(grey(128, 128), keypoints) != GREY).any(axis=2)[:, 64])
    large = draw_skeleton(grey(512, 512), rescale_points(keypoints, 4))
    assert np.count_nonzero((large != GREY).any(axis=2)[:, 256]) >= 2 * small


# ----------------------------------------------------------------------------------------- crop box


def test_box_corners_by_hand() -> None:
    # Crop pixels 2 x - 20.5, 2 y - 40.5 of side 100: the left edge -0.5 is frame x = 10, the right one x = 60.
    corners = box_corners(np.array([[2.0, 0, -20.5], [0, 2.0, -40.5]]), 100)
    assert corners == pytest.approx(np.array([[10, 20], [60, 20], [60, 70], [10, 70]]))


def test_the_box_is_drawn_where_the_crop_is_cut() -> None:
    affine = np.array([[2.0, 0, -20.5 - 100], [0, 2.0, -40.5]])
    drawn = draw_box(grey(), box_corners(affine, 100))
    assert changed(drawn) == pytest.approx([60, 20, 110, 70], abs=2)
    assert (drawn[30:60, 70:100] == GREY).all()
    assert (crop_image(drawn, affine, 100)[10:90, 10:90] == GREY).all()
    assert (crop_image(drawn, affine, 100)[50, :3] != GREY).any()


def test_a_box_that_leaves_the_image() -> None:
    drawn = draw_box(grey(), np.array([[-50.0, 50], [100, 50], [100, 400], [-50, 400]]))
    assert changed(drawn) == pytest.approx([0, 50, 100, 199], abs=2)


# ----------------------------------------------------------------------------------------- heatmaps


def glow(image: Image) -> tuple[float, float]:
    """The centre of mass of what is brighter than the ground."""
    light = np.abs(image.astype(float) - image[0, 0]).sum(axis=2)
    rows, columns = np.indices(light.shape)
    return float((light * columns).sum() / light.sum()), float((light * rows).sum() / light.sum())


def test_heatmaps_shine_on_their_keypoint_in_their_colour() -> None:
    keypoints = np.zeros((1, NUM_KEYPOINTS, 3), np.float32)
    keypoints[0, 95] = (61.5, 101.5, 1)  # left hand, in crop pixels; on the centre of heatmap pixel (15, 25)
    keypoints[0, 120] = (201.5, 41.5, 1)
    blended = draw_heatmaps(grey(256, 256), render(keypoints, 64, 0.7)[0])
    ground = blended[250, 250]
    assert ground.max() < GREY
    assert close(blended[101, 61], COLOURS["left_hand"], 60)
    assert close(blended[41, 201], COLOURS["right_hand"], 60)
    assert glow(blended[:, :128]) == pytest.approx((61.5, 101.5), abs=0.5)


def test_heatmaps_of_another_size_are_stretched_to_the_crop() -> None:
    keypoints = np.zeros((1, NUM_KEYPOINTS, 3), np.float32)
    keypoints[0, 0] = (64, 64, 1)
    blended = draw_heatmaps(grey(256, 256), render(keypoints, 32, 0.7)[0])  # crops of 128, shown at 256
    assert glow(blended) == pytest.approx((128.5, 128.5), abs=0.5)


# -------------------------------------------------------------------------------------------- layout


def test_rescale_points_follows_resize() -> None:
    assert rescale_points(np.array([[-0.5, 9.5, 0.3]]), 4).tolist() == [[-0.5, 39.5, 0.3]]
    dot = np.zeros((40, 60, 3), np.uint8)
    dot[9:12, 19:22] = 255  # centre (20, 10)
    for scale in (0.5, 3):
        resized = resize(dot, round(40 * scale), round(60 * scale))[..., 0].astype(float)
        rows, columns = np.indices(resized.shape)
        centre = np.array([(resized * columns).sum(), (resized * rows).sum()]) / resized.sum()
        assert centre == pytest.approx(rescale_points(np.array([20.0, 10.0]), scale), abs=0.1)


def test_contact_sheet_holds_every_image_unchanged() -> None:
    random = np.random.default_rng(0)
    rows = {
        "frames": [random.integers(0, 256, (60, 100, 3), dtype=np.uint8) for _ in range(3)],
        "crops": [random.integers(0, 256, (100, 100, 3), dtype=np.uint8) for _ in range(3)],
    }
    sheet = contact_sheet("book", "68011", rows, ["1", "2", "3"])
    assert sheet.dtype == np.uint8
    for row in rows.values():
        for image in row:
            difference = cv2.matchTemplate(sheet, image, cv2.TM_SQDIFF)
            assert difference.min() == pytest.approx(0, abs=1e3)


def test_a_narrow_sheet_leaves_words_out_instead_of_cutting_them() -> None:
    def heading(subtitle: str) -> Image:
        return contact_sheet("book", subtitle, {"crops": [grey(150, 150)]}, [""])

    np.testing.assert_array_equal(heading("55 frames · " + 30 * "long"), heading("55 frames"))
    assert (heading("55 frames") != heading("")).any()


def test_contact_sheet_refuses_a_crooked_grid() -> None:
    tile = grey(10, 10)
    with pytest.raises(ValueError, match="one length"):
        contact_sheet("a", "", {"frames": [tile, tile], "crops": [tile]}, ["1", "2"])
    with pytest.raises(ValueError, match="one length"):
        contact_sheet("a", "", {"frames": [tile], "crops": [grey(20, 20)]}, ["1"])


@pytest.mark.parametrize(("height", "width"), [(101, 151), (100, 150), (57, 33)])
def test_a_film_image_has_even_sides(height: int, width: int) -> None:
    image = side_by_side("book", "0.40 s", [grey(height, width), grey(height, height)])
    assert image.shape[0] % 2 == image.shape[1] % 2 == 0


def test_text_is_written_where_it_is_asked_for() -> None:
    image = grey()
    written = write(image, "book", (100, 50), size=20, colour=(255, 255, 255))
    left, top, right, bottom = changed(written)
    assert 98 <= left <= 104 and right < 170 and 35 < top < bottom < 65
    assert (image == GREY).all()


def test_letters_are_drawn_without_an_accent_rather_than_not_at_all() -> None:
    assert drawable("s'il vous plai\u0302t, çğ") == "s'il vous plait, cg"
    assert drawable("hello · 수어") == "hello · 수어"
