"""Videos to prepare, and a run's files for them: real ones where `--data` names them, else one drawn."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench.race import Scale
from camfuse.clips.table import SHARD_COLUMNS, Clip, read_shard_clips
from camfuse.config import Config, parse_config
from camfuse.ffmpeg_tool import write_video
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.run import estimate_poses
from camfuse.run.shard import ClipData, Shard
from camfuse.run.shard_writer import ShardWriter
from camfuse.run.stages import fingerprint
from camfuse.skeleton import NUM_KEYPOINTS

REAL = 6
WIDTH, HEIGHT = 640, 360
Image = NDArray[np.uint8]


def videos_of(scale: Scale) -> list[Path]:
    """Return some real videos, evenly chosen, or a drawn one."""
    if scale.data is None:
        path = scale.folder / "drawn.mp4"
        if not path.exists():
            write_video(path, _drawn(6 if scale.quick else 64), 25)
        return [path]
    found = sorted((scale.data / "clips" / "asl" / "videos").glob("*.mp4"))
    return found[:: max(1, len(found) // REAL)][: 1 if scale.quick else REAL]


def _drawn(frames: int) -> Iterator[Image]:
    """Yield a textured ground before which an ellipse moves, with the noise of a camera."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.uniform(40, 200, (24, 40, 3)).astype(np.float32), (WIDTH, HEIGHT))
    for number in range(frames):
        image = ground.copy()
        cv2.ellipse(image, (320 + number, 180 - number // 2), (60, 90), number, 0, 360, (200, 160, 140), -1)
        yield (image + rng.normal(0, 3, image.shape)).clip(0, 255).astype(np.uint8)


def has_mediapipe() -> bool:
    """Whether MediaPipe is installed."""
    return find_spec("mediapipe") is not None


class Prepared:
    """A run's files for some videos, one shard a stage."""

    def __init__(self, folder: Path, videos: list[Path]) -> None:
        self.config: Config = parse_config(
            {"output": str(folder), "clips": {"folder": {"videos": "none"}}, "pose": {"mediapipe": {}}}
        )
        for name in ("frames", "pose", "crops", "heatmaps"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.table = folder / "0000.csv"
        lines = [f"clip{number},{video},0,,,id{number}" for number, video in enumerate(videos)]
        self.table.write_text("\n".join([",".join(SHARD_COLUMNS), *lines]) + "\n", encoding="utf-8")
        self.frames, self.pose, self.crops, self.heatmaps = (
            folder / name / "0000.h5" for name in ("frames", "pose", "crops", "heatmaps")
        )

    def clips(self) -> list[Clip]:
        """Return the clips of the table."""
        return read_shard_clips(self.table)

    def shard(self, stage: str) -> Shard:
        """Open a stage's shard."""
        return Shard(getattr(self, stage), stage=stage)

    def estimate(self) -> None:
        """Run the stage `pose`."""
        estimate_poses(self.config, self.table, self.frames, self.pose)

    def make_up_poses(self) -> None:
        """Write keypoints that wander in the middle of each video."""
        frames = self.shard("frames")
        mark = fingerprint("pose", self.config)
        with ShardWriter(self.pose, stage="pose", fingerprint=mark, provenance={}) as writer:
            for clip in self.clips():
                video = ClipFrames.of(frames, clip.clip_id)
                rng = np.random.default_rng(0)
                place = rng.uniform(0.25, 0.75, (1, NUM_KEYPOINTS, 2)) * (video.width, video.height)
                path = np.cumsum(rng.normal(0, 1, (len(video), NUM_KEYPOINTS, 2)), axis=0)
                score = rng.uniform(0.3, 1, (len(video), NUM_KEYPOINTS, 1))
                points = np.concatenate([place + path, score], -1).astype(np.float32)
                writer.add(clip.clip_id, ClipData({"keypoints": points}, facts={"identity": clip.identity}))
