"""A training clip from the shards, 8 crops and the keypoints of 32 frames, moved and recoloured; the moving alone."""

import argparse
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from benchmarks.bench.peers import EDGE, render_plain
from benchmarks.bench.race import Row, Rows, Scale, race, same, spent
from benchmarks.bench.rendering import agree
from benchmarks.full_size import CASES, SIZE, config_of, keypoints, make_shards
from camfuse.clips.table import read_clips
from camfuse.config import Config
from camfuse.data.augment import Augmentation, affine_matrix, colour_matrix, draw_augmentation, move_keypoints
from camfuse.data.batch import collate, dense
from camfuse.data.dataset import ClipDataset, single_threaded
from camfuse.data.sampling import training_frames
from camfuse.geometry import rescale_points
from camfuse.prep.heatmaps import STRIDE, render
from camfuse.run.layout import Run
from camfuse.skeleton import NUM_KEYPOINTS

SUBJECT = "loading"
CLIPS, BATCH, WORKERS = 8, 4, 2
MEAN, STD = (np.array(values, np.float32) for values in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))
SIDE = SIZE // STRIDE
ROUNDING = 2 / 57
"""Two levels of 255 after their standardisation: once for the moved pixel, once for its colour."""
Array = NDArray[Any]
Key = tuple[int, int]


class PicklesDataset(Dataset[dict[str, torch.Tensor]]):
    """PYSKL's way: clips in a pickle, augmented and rendered sample by sample in numpy, pixels as float32.

    It draws the same numbers as ours, so that the answers can be compared.
    """

    def __init__(self, ours: ClipDataset, config: Config, crops: list[list[bytes]], points: list[Array]) -> None:
        self._config, self._count = config, len(ours)
        annotations = [{"jpeg": jpeg, "keypoint": found} for jpeg, found in zip(crops, points, strict=True)]
        self._pickled = [pickle.dumps(one) for one in annotations]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, key: Key) -> dict[str, torch.Tensor]:
        epoch, index = key
        clip = pickle.loads(self._pickled[index % len(self._pickled)])
        augment, rng = self._config.train.augment, np.random.default_rng([self._config.seed, epoch, index])
        chosen = training_frames(len(clip["keypoint"]), self._config.sampling, augment.span, rng)
        how = draw_augmentation(augment, SIZE, NUM_KEYPOINTS, rng)
        moved = rescale_points(move_keypoints(clip["keypoint"][chosen.pose], how), 1 / STRIDE)
        maps = render_plain(np.nan_to_num(moved), SIDE, self._config.heatmaps.sigma)
        images = [clip["jpeg"][frame] for frame in chosen.rgb]
        return {
            "rgb": torch.from_numpy(np.stack([_pixels(jpeg, how) for jpeg in images]).transpose(3, 0, 1, 2).copy()),
            "heatmaps": torch.from_numpy(np.ascontiguousarray(maps.swapaxes(0, 1))),
        }


def _pixels(jpeg: bytes, how: Augmentation) -> Array:
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    moved = cv2.transform(cv2.warpAffine(image, how.affine, (SIZE, SIZE)), how.colour)
    return (moved.astype(np.float32) - MEAN) / STD


def rows(scale: Scale) -> Rows:
    """Yield the loader's rows, then the one of the augmentation."""
    clips = BATCH if scale.quick else CLIPS
    options = argparse.Namespace(
        clips=clips if scale.quick else 3 * clips,
        tests=1,
        steps=1,
        batch=None,
        workers=0,
        device="cpu",
        cache=scale.folder / "cache",
    )
    folder = scale.folder / "loading"
    folder.mkdir()
    make_shards(folder, options)
    config = config_of(CASES["rgb bf16"], folder, options)
    run, table = Run(config), read_clips(folder / "clips" / "clips.csv").query("split == 'train'")
    ours = {
        name: ClipDataset(table, run, part="fusion", augment=True, compact=name == "gpu") for name in ("gpu", "cpu")
    }
    theirs = PicklesDataset(ours["cpu"], config, *_stored(run, table["clip_id"].tolist()))
    compare(ours, theirs, config)
    what = "a clip, 8 crops of 224 and 32 x 133 keypoints"
    ways = {name: partial(_all_of, data, clips) for name, data in {**ours, "peer": theirs}.items()}
    ways["bound"] = partial(_decoded, run.shard("crops", "0000").jpeg(str(table["clip_id"].iloc[0]))[:8], clips)
    found = {name: spent / clips for name, spent in race(ways, scale).items()}
    agreed = f"two levels of 255; maps 1/510, {EDGE:.3f} past 3 sigma"
    peer = "PYSKL's way: pickle, numpy"
    yield Row(
        SUBJECT, f"{what}, for a GPU that renders", "ms", found["gpu"], found["peer"], peer, agreed, least=30, most=4,
        bound=found["bound"], bound_is="its JPEGs decoded",
        short="decoding is two fifths of it, the rest reading, checking and copying",
    )  # fmt: skip
    yield Row(
        SUBJECT, f"{what}, moved and rendered too, for a CPU", "ms", found["cpu"], found["peer"], peer, agreed, least=5,
        bound=found["bound"], bound_is="its JPEGs decoded",
        short="both move the crops by OpenCV, which is most of ours",
    )  # fmt: skip
    through = {name: [] for name in ("gpu", "peer")}
    for _ in range(max(1, scale.rounds // 2)):
        for name, data in (("gpu", ours["gpu"]), ("peer", theirs)):
            through[name].append(marginal(data, clips, collate if name == "gpu" else None))
    loaded = {name: max(float(np.median(values)), 1e-6) for name, values in through.items()}
    yield Row(
        SUBJECT, f"{what}, for a GPU, through {WORKERS} workers (each further clip)", "ms", loaded["gpu"],
        loaded["peer"], peer, agreed, most=6, bound=found["bound"], bound_is="its JPEGs decoded",
        short="most of it is the way between the processes",
    )  # fmt: skip
    yield augmentation(scale)


def _stored(run: Run, clip_ids: list[str]) -> tuple[list[list[bytes]], list[Array]]:
    crops, maps = run.shard("crops", "0000"), run.shard("heatmaps", "0000")
    return [crops.jpeg(one) for one in clip_ids], [maps.read("keypoints", one) for one in clip_ids]


def compare(ours: dict[str, ClipDataset], theirs: PicklesDataset, config: Config) -> None:
    """Check that both data sets give what the peer gives of one clip."""
    expected = {key: value.numpy() for key, value in theirs[(1, 2)].items()}
    for name, data in ours.items():
        batch = dense(collate([data[(1, 2)]]), config)
        pixels = batch["rgb"][0, 0].numpy().transpose(1, 2, 3, 0)
        same(f"crops, {name}", (pixels - MEAN) / STD, expected["rgb"].transpose(1, 2, 3, 0), ROUNDING)
        agree(f"maps, {name}", batch["heatmaps"][0, 0].numpy(), expected["heatmaps"])


def _all_of(data: Any, clips: int) -> None:
    for index in range(clips):
        data[(0, index)]


def _decoded(crops: list[bytes], clips: int) -> None:
    for jpeg in crops * clips:
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def marginal(data: Dataset[Any], clips: int, together: Callable[..., Any] | None) -> float:
    """Return the CPU milliseconds of each further clip through worker processes, without what starting them costs."""

    def epoch(count: int) -> float:
        began = spent()
        loader = DataLoader(
            data, batch_size=BATCH, num_workers=WORKERS, collate_fn=together, worker_init_fn=single_threaded,
            sampler=[(0, index) for index in range(count)],
        )  # fmt: skip
        for _ in loader:
            pass
        return spent() - began

    few = epoch(clips)
    return (epoch(3 * clips) - few) / (2 * clips) * 1e3


def augmentation(scale: Scale) -> Row:
    """Return the row of moving a clip's maps: ours moves the keypoints and renders, the peer warps the maps.

    Moved by whole pixels of the maps, as a warped Gaussian is none any more elsewhere.
    """
    points = keypoints(1)[: 4 if scale.quick else 32]
    points[..., :2] = 0.25 * SIZE + points[..., :2] % (0.5 * SIZE)
    affine = affine_matrix(SIZE, scale=1, degrees=0, shift=[2 * STRIDE, -STRIDE], mirror=False)
    nothing = np.zeros(NUM_KEYPOINTS, bool)
    how = Augmentation(affine, mirrored=False, colour=colour_matrix(1, 1, 1), hidden=nothing)
    on_maps = np.array([[1, 0, 2], [0, 1, -1]], np.float64)
    before = render(points, SIDE, 0.6, dtype=np.float32).reshape(-1, SIDE, SIDE)
    out, warped = np.empty((*points.shape[:2], SIDE, SIDE), np.uint8), np.empty_like(before)

    def ours() -> Array:
        return render(move_keypoints(points, how), SIDE, 0.6, out=out)

    def peer() -> Array:
        for one, target in zip(before, warped, strict=True):
            cv2.warpAffine(one, on_maps, (SIDE, SIDE), dst=target)
        return warped

    what = f"moving {len(points)} x 133 maps of {SIDE} x {SIDE}"
    same(what, ours().reshape(warped.shape) / np.float32(255), peer(), 1 / 510 + 1e-5)
    found = race({"ours": ours, "peer": peer, "bound": lambda: out.fill(0)}, scale)
    return Row(
        SUBJECT, what, "ms", found["ours"], found["peer"], "cv2.warpAffine of each map, float32", "1/510: 8 bits",
        bound=found["bound"], bound_is="memset", least=70, short="the rendering is numpy's: see there",
    )  # fmt: skip
