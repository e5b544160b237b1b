"""Everything that the in-memory trainings of `real_people_device` need of the videos, in one small file.

    python -m benchmarks.real_people_pack --data DIR --prepared results/real_people_streams/data --output people.npz

It reads the shards that `real_people_streams` prepares (frames, pose, crops). Of each clip it keeps `WHOLE` frames
evenly over the clip and `ACTIVE` frames evenly over the part in which a hand is raised: crops as the stage has them,
of the active frames also tiles (body, both hands, left hand, right hand), keypoints in crop pixels, and the sequence
stream's points of all frames.
"""

import argparse
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from camfuse.config import Crops, load_config
from camfuse.data.sequence import active_part, body_units
from camfuse.errors import ClipError
from camfuse.jpeg import decode_jpeg, encode_jpeg
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.crops import crop_image, lazy_crops
from camfuse.run.layout import Run
from camfuse.run.shard import Shard
from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

WHOLE, ACTIVE = 24, 28
SIZE, TILE = 128, 64
QUALITY = 58
REACH = 2.4
"""Side of a hand's tile, in units of the clip's hand (the longer side of the box around its points)."""


@dataclass(frozen=True)
class Packed:
    """One clip."""

    whole: list[bytes]
    active: list[bytes]
    tiles: list[bytes]
    keypoints: NDArray[np.float16]
    """(WHOLE + ACTIVE, 133, 3) crop pixels."""
    points: NDArray[np.float16]
    """(T', N, 2)."""


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    table = pd.read_csv(options.data / "clips" / "asl" / "index.csv", dtype=str, keep_default_na=False)
    run = Run(load_config(options.prepared / "config.yaml"))
    clips = run.clips().set_index("video")
    packed, kept = [], []
    for number, row in enumerate(table.to_dict("records")):
        key = next((video for video in clips.index if str(video).endswith(row["video"])), None)
        if key is None:
            continue
        clip = clips.loc[key]
        packed.append(pack(str(clip["clip_id"]), run, str(clip["shard"])))
        kept.append(number)
    save(options.output, packed, table.iloc[kept])


def pack(clip_id: str, run: Run, shard: str) -> Packed:
    """Return what is kept of one clip."""
    frames, pose, crops = (run.shard(stage, shard) for stage in ("frames", "pose", "crops"))
    raw = pose.read("keypoints", clip_id)
    count = len(raw)
    points = body_units(raw)
    part = active_part(points)
    whole, active = evenly_spaced(0, count, WHOLE), evenly_spaced(part.start, part.stop, ACTIVE)
    jpegs = crops.jpeg(clip_id, sorted({*whole, *active}))
    decoded = dict(zip(sorted({*whole, *active}), jpegs, strict=True))
    again = {frame: encode_jpeg(decode_jpeg(jpeg, clip_id), QUALITY) for frame, jpeg in decoded.items()}
    keypoints = crops.read("keypoints", clip_id)
    return Packed(
        [again[frame] for frame in whole],
        [again[frame] for frame in active],
        tiles_of(clip_id, frames, raw, active, decoded),
        keypoints[[*whole, *active]].astype(np.float16),
        points[part].astype(np.float16),
    )


def evenly_spaced(start: int, stop: int, wanted: int) -> list[int]:
    """Return `wanted` frames from `start` to before `stop`, some twice where there are fewer."""
    return [int(frame) for frame in np.linspace(start, stop - 1, wanted).round()]


def tiles_of(
    clip_id: str, frames: Shard, raw: NDArray[np.float32], chosen: list[int], crops: dict[int, bytes]
) -> list[bytes]:
    """Return images of four tiles: body, the box of both hands, left hand, right hand."""
    video = ClipFrames.of(frames, clip_id)
    hands = None
    with suppress(ClipError):  # no hand seen
        hands = lazy_crops(clip_id, video, raw, Crops(size=TILE * 2, keep="hands")).affine * 0.5
        hands[:, 2] -= 0.25
    made = []
    unique = sorted(set(chosen))
    size = hand_size(raw)
    for frame in unique:
        image = decode_jpeg(video.jpeg[frame], clip_id)
        out = np.zeros((2 * TILE, 2 * TILE, 3), np.uint8)
        out[:TILE, :TILE] = cv2.resize(decode_jpeg(crops[frame], clip_id), (TILE, TILE), interpolation=cv2.INTER_AREA)
        if hands is not None:
            out[:TILE, TILE:] = crop_image(image, hands, TILE)
        for number, hand in enumerate((LEFT_HAND, RIGHT_HAND)):
            centre = hand_centre(raw[:, hand], frame)
            if centre is not None and size > 0:
                scale = TILE / (REACH * size)
                shift = -(centre - REACH * size / 2) * scale - 0.5
                affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
                out[TILE:, number * TILE : (number + 1) * TILE] = crop_image(image, affine, TILE)
        made.append(encode_jpeg(out, QUALITY))
    coded = dict(zip(unique, made, strict=True))
    return [coded[frame] for frame in chosen]


def hand_size(raw: NDArray[np.float32]) -> float:
    """Return the clip's hand in pixels: a high quantile of the longer sides of the boxes around hands."""
    sides = []
    for hand in (LEFT_HAND, RIGHT_HAND):
        seen = np.isfinite(raw[:, hand, :2]).all((1, 2)) & (raw[:, hand, 2] > 0).all(1)
        places = raw[seen][:, hand, :2]
        sides += (places.max(1) - places.min(1)).max(1).tolist() if len(places) else []
    return float(np.quantile(sides, 0.8)) if sides else 0.0


def hand_centre(hand: NDArray[np.float32], frame: int) -> NDArray[np.float64] | None:
    """Return where a hand (T, 21, 3) is: the middle of its box in the nearest of five frames that shows it."""
    for near in (frame, frame - 1, frame + 1, frame - 2, frame + 2):
        if 0 <= near < len(hand) and np.isfinite(hand[near, :, :2]).all() and (hand[near, :, 2] > 0).all():
            places = hand[near, :, :2].astype(np.float64)
            return np.asarray((places.max(0) + places.min(0)) / 2)
    return None


def save(path: Path, packed: list[Packed], table: pd.DataFrame) -> None:
    """Write all clips; JPEG bytes lie one after the other, each image that several frames show once."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in ("whole", "active", "tiles"):
        images: list[bytes] = [image for clip in packed for image in getattr(clip, name)]
        unique = list(dict.fromkeys(images))
        place = {image: number for number, image in enumerate(unique)}
        arrays[f"{name}_index"] = np.array([place[image] for image in images], np.int32).reshape(len(packed), -1)
        arrays[f"{name}_offset"] = np.cumsum([0, *map(len, unique)])
        arrays[f"{name}_bytes"] = np.frombuffer(b"".join(unique), np.uint8)
    arrays["keypoints"] = np.stack([clip.keypoints for clip in packed])
    arrays["points"] = np.concatenate([clip.points for clip in packed])
    arrays["points_count"] = np.array([len(clip.points) for clip in packed])
    arrays |= {column: table[column].to_numpy(str) for column in table}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
