"""A device renders, moves and unpacks what the CPU does, to one level of 255."""

import numpy as np
import pytest
import torch

from camfuse.config import Augment
from camfuse.data.augment import draw_augmentation, move_images
from camfuse.data.on_device import move_on_device, pack_maps, render_on_device, unpack_maps
from camfuse.prep.heatmaps import render
from camfuse.skeleton import NUM_KEYPOINTS

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("sigma", [0.6, 2.0])
def test_a_device_renders_what_the_loader_renders(sigma: float, device: str) -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.uniform(-10, 74, (5, 40, 7, 2)), rng.uniform(0, 1.2, (5, 40, 7, 1))], -1)
    points = points.astype(np.float32)
    points[0, 0, 0], points[0, 1, 0, 2], points[1, 2, 3, 2] = (np.nan, np.nan, 0), 0, -0.5
    points[2, 0, 0, :2], points[3, 0, 0, 0] = (-0.5, 63.5), np.inf
    points[4, 0, 0] = (1.5, 1.5, 1.2)  # on a pixel's centre, and surer than sure
    found = render_on_device(torch.from_numpy(points).to(device), 16, sigma).cpu()
    expected = np.stack([render(clip, 16, sigma) for clip in points])
    assert found.shape == (5, 40, 7, 16, 16) and found.dtype == torch.uint8
    difference = np.abs(found.numpy().astype(int) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-5
    assert expected.max() == 255


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_moves_images_as_the_loader_does(device: str) -> None:
    rng = np.random.default_rng(4)
    # noise: each pixel as far from its neighbours as can be, where a shift of a hundredth of a pixel would show
    images = rng.integers(0, 256, (6, 2, 48, 48, 3)).astype(np.uint8)
    drawn = [
        draw_augmentation(Augment(mirror=0.5, rotate=30, shift=0.2, colour=0.3), 48, NUM_KEYPOINTS, rng) for _ in images
    ]
    assert {one.mirrored for one in drawn} == {True, False}
    affine, colour = (
        torch.tensor(np.stack([getattr(one, key) for one in drawn])).float() for key in ("affine", "colour")
    )
    found = move_on_device(torch.from_numpy(images).to(device), affine.to(device), colour.to(device)).cpu().numpy()
    expected = np.stack([move_images(one, how) for one, how in zip(images, drawn, strict=True)])
    assert found.shape == expected.shape and found.dtype == np.uint8
    difference = np.abs(found.astype(int) - expected)
    assert difference.max() <= 2  # halves of a level may round either way, and colours are stretched after it
    assert (difference > 1).mean() < 1e-4 and (difference > 0).mean() < 0.05
    assert (expected == 0).mean() > 0.03  # beyond the edge


@pytest.mark.parametrize("device", DEVICES)
def test_packed_maps_come_out_whole(device: str) -> None:
    rng = np.random.default_rng(5)
    volume = np.zeros((3, NUM_KEYPOINTS, 8, 8), np.uint8)
    volume[rng.random(volume.shape) < 0.01] = 255
    volume[0, 0, 0, 0] = volume[2, -1, -1, -1] = 1
    packed = torch.from_numpy(pack_maps(volume))
    assert packed.shape[0] == 3 and packed.shape[1] < volume.size / 8 / 5
    assert torch.equal(unpack_maps(packed.to(device), 3, 8).cpu(), torch.from_numpy(volume))
    nothing = torch.from_numpy(pack_maps(np.zeros_like(volume)))
    assert not unpack_maps(nothing, 3, 8).any()


def test_compiled_maps_are_the_same_and_lie_with_the_keypoints_last() -> None:
    rng = np.random.default_rng(6)
    points = np.concatenate([rng.uniform(-4, 36, (2, 1, 5, 3, 2)), rng.uniform(0, 1, (2, 1, 5, 3, 1))], -1)
    keypoints = torch.from_numpy(points.astype(np.float32))
    compiled = torch.compile(render_on_device, backend="eager", dynamic=False)(keypoints, 8, 0.7)
    plain = render_on_device(keypoints, 8, 0.7)
    assert compiled.shape == plain.shape == (2, 1, 5, 3, 8, 8) and compiled.dtype == torch.uint8
    assert torch.equal(compiled, plain)
    assert compiled.flatten(0, 1).is_contiguous(memory_format=torch.channels_last_3d)
