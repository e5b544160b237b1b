"""Trainings in memory: images and heatmaps as the package makes them, and a network that learns."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
import pandas as pd
import torch

from benchmarks.real_people_batches import SIZE, Clips, Setting, model_of, moved, moved_images, rendered, restyled
from benchmarks.real_people_device import Training
from benchmarks.real_people_jobs import phase_of
from benchmarks.real_people_pack import Packed, evenly_spaced, save
from camfuse.config import Augment
from camfuse.data.augment import affine_matrix, colour_matrix, draw_augmentation, move_images, move_keypoints
from camfuse.data.on_device import render_on_device
from camfuse.data.sequence import body_units
from camfuse.jpeg import encode_jpeg
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.skeleton import MIRROR
from tests.benchmarks.test_real_people import made_clip


def made_keypoints() -> np.ndarray:
    rng = np.random.default_rng(0)
    found = rng.uniform(10, 110, (2, 4, 133, 3)).astype(np.float32)
    found[..., 2] = rng.uniform(0, 1, found.shape[:3])
    found[0, 1, 3] = np.nan, np.nan, 0
    return found


def test_heatmaps_are_those_of_the_package() -> None:
    keypoints = torch.from_numpy(made_keypoints())
    np.testing.assert_allclose(
        rendered(keypoints, torch.float32), render_on_device(keypoints, SIZE // 4, 0.7).float(), atol=1
    )


def test_keypoints_and_images_move_as_in_the_package() -> None:
    rng = np.random.default_rng(1)
    keypoints, change = made_keypoints(), draw_augmentation(Augment(mirror=1), SIZE, 133, rng)
    ours = moved(keypoints, np.stack([change.affine] * 2), np.array([True, True]), None)
    np.testing.assert_allclose(ours[0].swapaxes(0, 1), move_keypoints(keypoints[0], change), atol=1e-3)
    images = rng.integers(0, 255, (2, SIZE // 8, SIZE // 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)
    back = np.linalg.inv(np.vstack([change.affine, [0, 0, 1]]))[:2]
    batch = {
        "back": torch.from_numpy(back[None].astype(np.float32)),
        "colour": torch.from_numpy(change.colour[None].astype(np.float32)),
        "mirrored": torch.tensor([True]),
    }
    found = moved_images(torch.from_numpy(images[None]), batch, 1)[0].permute(1, 2, 3, 0).numpy()
    assert np.abs(found - move_images(images, change)).mean() < 3


def test_hands_are_zoomed_as_in_the_package() -> None:
    keypoints, affine = made_keypoints(), np.stack([np.eye(2, 3)] * 2)
    zooms = np.array([hand_zoom(one, SIZE) for one in keypoints])
    ours = moved(keypoints, affine, np.array([False, True]), zooms).swapaxes(1, 2)
    for one, clip, zoom in zip(ours, (keypoints[0], keypoints[1][:, list(MIRROR)]), zooms, strict=True):
        np.testing.assert_array_equal(one, zoom_hands(clip, SIZE, float(zoom)))


def test_mirrored_tiles_change_hands() -> None:
    image = np.zeros((1, 1, SIZE, SIZE, 3), np.uint8)
    image[:, :, SIZE // 2 :, SIZE // 2 :] = 200  # the right hand's tile
    flip = affine_matrix(SIZE, scale=1, degrees=0, shift=(0, 0), mirror=True)
    batch = {
        "back": torch.from_numpy(flip[None].astype(np.float32)),
        "colour": torch.from_numpy(colour_matrix(1, 1, 1)[None].astype(np.float32)),
        "mirrored": torch.tensor([True]),
    }
    found = moved_images(torch.from_numpy(image), batch, 2)[0, 0, 0]
    assert found[SIZE // 2 :, : SIZE // 2].mean() == pytest.approx(200, abs=1)
    assert found[SIZE // 2 :, SIZE // 2 :].max() == 0


def test_another_build_keeps_the_hands_on_the_arms() -> None:
    points = np.zeros((3, 60, 2), np.float32)
    points[:, 5], points[:, 6] = (0.5, 0), (-0.5, 0)
    points[:, 7], points[:, 9], points[:, 18:39] = (0.6, 0.5), (0.4, 0.2), (0.4, 0.2)
    found = restyled(points, 0.3, np.random.default_rng(0))
    assert not np.allclose(found[:, 9], points[:, 9])
    np.testing.assert_allclose(found[:, 18], found[:, 9], atol=1e-6)
    assert restyled(points, 0.0, np.random.default_rng(0)) is points


def test_a_sequence_learns_from_a_pack(tmp_path: Path) -> None:
    image = encode_jpeg(np.zeros((SIZE, SIZE, 3), np.uint8), 50)
    raw = [made_clip(number, number % 2 == 0) for number in range(8)]
    packed = [
        Packed([image] * 24, [image] * 28, [image] * 28, np.zeros((52, 133, 3), np.float16), body_units(one))
        for one in raw
    ]
    columns = ("video", "word", "label8", "signer", "source", "group8")
    save(tmp_path / "p.npz", packed, pd.DataFrame([dict.fromkeys(columns, "x")] * 8))
    clips = Clips(tmp_path / "p.npz", torch.device("cpu"))
    setting = Setting(views=60, batch=8, mixup=0.3)
    labels = np.array([0, 1] * 4)
    phase, model = phase_of("sequence", setting), model_of(("sequence",), None, setting)
    training = Training(clips, "sequence", model, np.arange(4), labels, 2, phase, setting, 1)
    while training.done < training.steps:
        training.step()
    training.finish()
    found = training.probabilities(np.arange(4, 8))["sequence"]
    assert found.argmax(1).tolist() == [0, 1, 0, 1]
    assert evenly_spaced(2, 5, 3) == [2, 3, 4]
