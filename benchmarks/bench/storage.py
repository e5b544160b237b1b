"""What a clip takes on the disk, and how fast 32 of its 60 frames are read; files in the page cache."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench.race import Row, Rows, Scale, race, same
from benchmarks.bench.rendering import CROP, MAP
from benchmarks.full_size import SIZE, keypoints
from camfuse.geometry import rescale_points
from camfuse.prep.heatmaps import render
from camfuse.run.shard import ClipData, Shard
from camfuse.run.shard_writer import ShardWriter

SUBJECT = "storage"
FRAMES, DRAWN, CLIPS = 60, 32, 4
CLIP = "clip"
GZIP = 4
FILTER = "HDF5's filters copy and check each frame; to read its chunks directly takes a zstd beside HDF5's"
Points = NDArray[np.float32]


def rows(scale: Scale) -> Rows:
    """Yield sizes for both sigmas, then reads."""
    frames = 8 if scale.quick else FRAMES
    clips = [rescale_points(keypoints(seed)[:frames], CROP / SIZE) for seed in range(1 if scale.quick else CLIPS)]
    for sigma, of_keypoints in ((0.6, 19), (2.0, 100)):
        yield from sizes(scale.folder, clips, sigma, of_keypoints)
    yield from reads(scale, clips[0])


def sizes(folder: Path, clips: list[Points], sigma: float, of_keypoints: float) -> Rows:
    """Yield what the maps of a clip take, as maps and as keypoints, beside gzipped float32 maps."""
    stored = write_shard(folder / "maps.h5", [{"volume": render(points, MAP, sigma)} for points in clips])
    alone = write_shard(folder / "points.h5", [{"keypoints": points} for points in clips])
    exact = np.concatenate([render(points, MAP, sigma, dtype=np.float32) for points in clips])
    theirs = _kilobytes(write_gzip(folder / "gzip.h5", exact), clips)
    what = f"a clip's maps, {len(clips[0])} frames, sigma {sigma:g}"
    rounded = Shard(stored, stage="heatmaps").read("volume", CLIP) / np.float32(255)
    same(what, rounded, exact[: len(rounded)], 1 / 510 + 1e-6)
    yield Row(
        SUBJECT, f"{what}, u8", "KB", _kilobytes(stored, clips), theirs, "float32, gzip 4", "1/510: 8 bits", least=5,
        short="the goal was set on other made clips, in whose float32 maps gzip found less to save",
    )  # fmt: skip
    again = render(Shard(alone, stage="heatmaps").read("keypoints", CLIP), MAP, sigma, dtype=np.float32)
    same(what, again, exact[: len(again)], 0)
    yield Row(
        SUBJECT, f"{what}, as keypoints, from which training renders", "KB", _kilobytes(alone, clips), theirs,
        "float32, gzip 4", "0", least=of_keypoints,
        short="keypoints stay float32, as the estimator gave them; rounded to 16 bits they would take half",
    )  # fmt: skip


def reads(scale: Scale, points: Points) -> Rows:
    """Yield the time of a random read of maps, beside three other ways."""
    volume = render(points, MAP, 0.6)
    drawn = min(DRAWN, len(points))
    chosen = np.sort(np.random.default_rng(0).choice(len(points), drawn, replace=False))
    shard = Shard(write_shard(scale.folder / "read.h5", [{"volume": volume}]), stage="heatmaps")
    memory = np.lib.format.open_memmap(scale.folder / "raw.npy", "w+", np.uint8, volume.shape)
    memory[:] = volume
    opened = np.load(scale.folder / "raw.npy", mmap_mode="r")
    what = f"{drawn} of {len(points)} frames of maps"
    with (
        h5py.File(write_gzip(scale.folder / "gzip.h5", volume), "r") as gzipped,
        h5py.File(shard.path, "r", rdcc_nbytes=0, locking=False) as plain,
    ):
        ways = {
            "ours": lambda: shard.read("volume", CLIP, chosen.tolist()),
            "gzip 4, frame by frame": lambda: np.stack([gzipped["volume"][frame] for frame in chosen]),
            "our file by h5py's fancy index": lambda: plain["volume"][chosen],
            "np.memmap, not compressed": lambda: np.take(opened, chosen, axis=0),
        }
        for name, way in ways.items():
            same(f"{what}, {name}", way(), volume[chosen], 0)
        found = race(ways, scale)
    goals = {"gzip 4, frame by frame": 9, "our file by h5py's fancy index": 150, "np.memmap, not compressed": 1}
    shorts = {
        "gzip 4, frame by frame": FILTER,
        "our file by h5py's fancy index": "h5py has become faster at it since the goal was set",
        "np.memmap, not compressed": FILTER,
    }
    for name, goal in goals.items():
        yield Row(
            SUBJECT, what, "ms", found["ours"], found[name], name, "0", least=goal, short=shorts[name],
            bound=found["np.memmap, not compressed"], bound_is="np.memmap",
        )  # fmt: skip


def write_shard(path: Path, clips: list[dict[str, NDArray[Any]]]) -> Path:
    """Write clips' arrays as the stages do; the first is called `CLIP`."""
    with ShardWriter(path, stage="heatmaps", fingerprint="bench", provenance={}) as writer:
        for number, frames in enumerate(clips):
            writer.add(f"{CLIP}{number or ''}", ClipData(frames))
    return path


def write_gzip(path: Path, volume: NDArray[Any]) -> Path:
    """Write maps as projects usually do: a chunk a frame, gzip."""
    with h5py.File(path, "w") as file:
        file.create_dataset("volume", data=volume, chunks=(1, *volume.shape[1:]), compression=GZIP)
    return path


def _kilobytes(path: Path, clips: list[Points]) -> float:
    return path.stat().st_size / 1e3 / len(clips)
