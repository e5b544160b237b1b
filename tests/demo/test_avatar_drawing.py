"""The demo's avatars: points are drawn where they were recorded, near parts over far ones, unseen ones not at all."""

from dataclasses import replace

import numpy as np
import pytest

from camfuse.demo.avatar_drawing import FINGER_TINTS, HAIRS, SHIRTS, SKINS, WALLS, draw, look_of
from camfuse.prep.pose.annotations.recording import Recording

LANGUAGES = ("ase", "asq", "bzs", "cse", "csq", "eso", "gsg", "ise", "lls", "mfs", "psr", "sgg", "ssp", "svk", "swl")


def hand_only(frames: int = 3) -> Recording:
    """A right hand with straight fingers on a 100 x 100 image; the index finger points up at x = 50."""
    hand = np.zeros((frames, 21, 4), np.float32)
    hand[..., 3] = 1
    hand[:, 0, :2] = (50, 90)
    for finger, x in enumerate((20, 50, 60, 70, 80)):
        for joint in range(4):
            hand[:, 1 + 4 * finger + joint, :2] = (x, 60 - 15 * joint)
    return Recording(100, 100, 25.0, np.zeros((frames, 33, 4), np.float32), None, None, hand)


def test_a_finger_is_drawn_where_it_was_recorded() -> None:
    look = look_of("ase")
    image = next(draw(hand_only(), look, 200, 200)).astype(int)
    assert image.shape == (200, 200, 3)
    at_index, beside = image[80, 100], image[80, 70]  # recorded (50, 40), and a place between thumb and index
    assert np.abs(beside - look.wall).max() < 40
    assert np.abs(at_index - look.wall).max() > 60
    tinted = [np.abs(image[80, 2 * x] - image[80, 100]).max() for x in (20, 60, 70, 80)]
    assert min(tinted) > 25  # each finger has its own colour
    rows = np.flatnonzero(np.abs(image[:, 100] - image[:, 70]).max(-1) > 40)
    assert 20 <= rows.min() < 30  # the tip at y = 15, less its radius of 4


def test_the_middle_of_a_finger_is_its_recorded_place() -> None:
    look = look_of("ase")
    image = next(draw(hand_only(), look, 200, 200)).astype(int)
    row = image[80]
    drawn = np.flatnonzero(np.abs(row - row[70]).max(-1) > 40)
    index = drawn[(drawn > 80) & (drawn < 110)]
    assert index.mean() == pytest.approx(2 * 50 - 0.5, abs=0.5)


def test_unseen_parts_are_left_out_and_gaps_closed() -> None:
    recording, look = hand_only(5), look_of("ase")
    assert recording.right is not None
    hand = recording.right.copy()
    hand[[0, 2]] = 0  # before the hand was first seen, and a gap
    wall = next(draw(replace(recording, right=None), look, 50, 50))
    images = list(draw(replace(recording, right=hand), look, 50, 50))
    np.testing.assert_array_equal(images[0], wall)
    np.testing.assert_array_equal(images[2], images[1])
    assert (images[1] != wall).any()


def test_looks_are_steady_and_differ() -> None:
    assert look_of("ase") == look_of("ase")
    assert len({look_of(language) for language in LANGUAGES}) == len(LANGUAGES)
    assert len({look_of(language).shirt for language in LANGUAGES}) > len(SHIRTS) // 2
    assert len(set(FINGER_TINTS)) == 5


def arms_only(right_depth: float) -> Recording:
    """Both forearms lie along y = 60 of a 100 x 100 image, the left one at depth 0; the shoulders are 40 apart."""
    body = np.zeros((1, 33, 4), np.float32)
    places = {11: (70, 30), 12: (30, 30), 13: (80, 60), 14: (20, 60), 15: (20, 60), 16: (80, 60)}
    for joint, place in places.items():
        body[0, joint] = (*place, 0, 1)
    body[0, 16, 2] = right_depth
    return Recording(100, 100, 25.0, body, None, None, None)


@pytest.mark.parametrize(("right_depth", "right_on_top"), [(-5, True), (0, True), (5, False)])
def test_the_nearer_arm_is_drawn_over_the_farther(right_depth: float, right_on_top: bool) -> None:
    look = replace(look_of("ase"), sleeves=False, build=1.0)
    image = next(draw(arms_only(right_depth), look, 400, 400))
    # Half-widths are 4.8 at the elbow, 3.4 at the wrist, and a dark rim of 0.67 around. 10 from the right wrist, at
    # x = 70, the right arm has its rim from 3.63 to 4.30, where the left arm is plain skin; at x = 30, the reverse.
    row = round(4 * (60 + 3.97) - 0.5)
    rim_of_right, rim_of_left = (bool(image[row, 4 * x, 0] < 0.7 * look.skin[0]) for x in (70, 30))
    assert (rim_of_right, rim_of_left) == (right_on_top, not right_on_top)


def test_sleeves_reach_the_wrists() -> None:
    look = look_of("ase")
    for sleeves, colour in ((True, look.shirt), (False, look.skin)):
        image = next(draw(arms_only(-5), replace(look, sleeves=sleeves), 200, 200)).astype(int)
        # 3 below the middle of the forearm, recorded (65, 63): the light is on the other side
        assert np.abs(image[126, 130] - colour).max() < 6


def test_arms_without_their_shoulders_are_not_drawn() -> None:
    recording = arms_only(0)
    body = recording.body.copy()
    body[0, 11:13] = 0
    nobody = replace(recording, body=np.zeros_like(body))
    look = look_of("ase")
    np.testing.assert_array_equal(
        next(draw(replace(recording, body=body), look, 60, 60)), next(draw(nobody, look, 60, 60))
    )


def test_an_image_of_nobody_is_the_wall_darker_below() -> None:
    look = look_of("ase")
    image = next(draw(Recording(80, 60, 25.0, np.zeros((1, 33, 4), np.float32), None, None, None), look, 60, 80))
    assert (image.shape, image.dtype) == ((60, 80, 3), np.uint8)
    assert (image == image[:, :1]).all()
    # The shade goes from 1.06 to 0.82 of the wall's colour: in the middle it is 0.94.
    np.testing.assert_allclose(image[[29, 30], 0].mean(axis=0), 0.94 * np.array(look.wall), atol=1.5)
    assert (np.diff(image[:, 0].astype(int), axis=0) <= 0).all()


def test_a_frame_of_the_recording_is_an_image() -> None:
    assert len(list(draw(hand_only(7), look_of("ase"), 20, 20))) == 7


@pytest.mark.parametrize("signer", LANGUAGES)
def test_a_look_is_of_the_palettes(signer: str) -> None:
    look = look_of(signer)
    assert look.skin in SKINS and look.hair in HAIRS and look.shirt in SHIRTS and look.wall in WALLS
    assert 0.9 <= look.build <= 1.1
