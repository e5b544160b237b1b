"""From videos to heatmaps without the poses: beside ffmpeg alone, the plain way, and the poses' time."""

import shutil
import subprocess
from pathlib import Path

import cv2
import h5py
import numpy as np
from numpy.typing import NDArray

from benchmarks.bench.peers import EDGE, render_plain
from benchmarks.bench.race import AnswersDifferError, Row, Rows, Scale, Skipped, race, same, spent
from benchmarks.bench.rendering import agree
from benchmarks.bench.storage import GZIP
from benchmarks.bench.videos import Prepared, has_mediapipe, videos_of
from camfuse.ffmpeg_tool import find_ffmpeg
from camfuse.geometry import rescale_points
from camfuse.jpeg import decode_jpeg
from camfuse.prep.crops import crop_clips
from camfuse.prep.frames import extract_frames
from camfuse.prep.heatmaps import STRIDE, render_heatmaps

SUBJECT = "preparation"
LEVELS = 3.0
"""Grey levels of 255 that two ways of decoding, scaling and encoding may differ by on average."""
AGREED = f"{LEVELS:g} levels on average; maps 1/510, {EDGE:.3f} past 3 sigma"
FFMPEG_QUALITY = 2
SHARE = 1 / 0.15
Image = NDArray[np.uint8]


def rows(scale: Scale) -> Rows:
    """Yield the frames, the whole, and the share."""
    videos = videos_of(scale)
    run, plain = Prepared(scale.folder / "prepared", videos), scale.folder / "plain"
    decoded(run, plain, videos)
    count = sum(run.shard("frames").count(clip.clip_id) for clip in run.clips())
    source = f"{len(videos)} {'real' if scale.data else 'drawn'} videos, {count} frames"
    found = race(
        {
            "ours": lambda: frames(run),
            "ffmpeg": lambda: [ffmpeg_jpegs(one, plain) for one in videos],
            "bound": lambda: [ffmpeg_alone(one) for one in videos],
        },
        scale,
    )
    yield Row(
        SUBJECT, f"stage frames, {source}", "ms a frame", found["ours"] / count, found["ffmpeg"] / count,
        "ffmpeg to JPEG files", f"{LEVELS:g} levels on average", bound=found["bound"] / count,
        bound_is="ffmpeg's decoding", least=round(1 / 1.3, 2),
        short="starting ffmpeg twice and the shard's tables weigh more where clips are short",
    )  # fmt: skip
    poses = _poses(run, scale)
    crops(run)
    heatmaps(run)
    compare(run, videos, plain)
    found = race(
        {
            "ours": lambda: all_stages(run),
            "peer": lambda: plain_way(run, videos, plain),
            "bound": lambda: [ffmpeg_alone(one) for one in videos],
        },
        scale,
    )
    yield Row(
        SUBJECT, f"frames, crops and heatmaps, {source}", "ms a frame", found["ours"] / count, found["peer"] / count,
        "cv2 files, GeneratePoseTarget's way, gzip", AGREED, least=5, bound=found["bound"] / count,
        bound_is="ffmpeg's decoding",
        short="decoding, JPEG of whole frames (the poses' input) and warping are most of ours, and the peer's too",
    )  # fmt: skip
    what = f"frames, crops and heatmaps beside the poses, {source}"
    if poses is None:
        yield Skipped(SUBJECT, what, "needs MediaPipe (`make videos`) and --data")
    else:
        yield Row(
            SUBJECT, what, "ms a frame", found["ours"] / count, poses / count, "stage pose, MediaPipe", "other work",
            least=round(SHARE, 2), short="large images cost these stages more, but MediaPipe hardly",
        )  # fmt: skip


def _poses(run: Prepared, scale: Scale) -> float | None:
    """Make the poses; return the CPU milliseconds of MediaPipe's."""
    if scale.data is None or not has_mediapipe():
        run.make_up_poses()
        return None
    began = spent()
    run.estimate()
    return (spent() - began) * 1e3


def frames(run: Prepared) -> None:
    """Run the stage `frames`."""
    extract_frames(run.config, run.table, run.frames)


def crops(run: Prepared) -> None:
    """Run the stage `crops`."""
    crop_clips(run.config, run.table, run.frames, run.pose, run.crops)


def heatmaps(run: Prepared) -> None:
    """Run the stage `heatmaps`."""
    render_heatmaps(run.config, run.table, run.crops, run.heatmaps)


def all_stages(run: Prepared) -> None:
    """Run the three."""
    for stage in (frames, crops, heatmaps):
        stage(run)


# --------------------------------------------------------------------------------------- the plain way


def ffmpeg_jpegs(video: Path, folder: Path) -> list[Path]:
    """Let ffmpeg write a JPEG a frame; return the files."""
    empty(folder)
    command = [find_ffmpeg(), "-v", "error", "-threads", "1", "-i", str(video), "-threads", "1"]
    command += ["-q:v", str(FFMPEG_QUALITY), str(folder / "%05d.jpg")]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return sorted(folder.glob("*.jpg"))


def ffmpeg_alone(video: Path) -> None:
    """Let ffmpeg decode and write nothing."""
    command = [find_ffmpeg(), "-v", "error", "-threads", "1", "-i", str(video), "-f", "null", "-"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def empty(folder: Path) -> None:
    """Make a folder, or make it empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def plain_way(run: Prepared, videos: list[Path], folder: Path) -> None:
    """Write frames as files, then crops as files, then float32 maps: one pass each."""
    for clip, video in zip(run.clips(), videos, strict=True):
        empty(folder)
        cv2_frames(run, video, folder)
        affine = run.shard("crops").fact("affine", clip.clip_id)
        for path in sorted(folder.glob("frame*.jpg")):
            crop_file(run, path, affine)
        volume = plain_maps(run, clip.clip_id)
        with h5py.File(folder / "maps.h5", "w") as file:
            file.create_dataset("volume", data=volume, chunks=(1, *volume.shape[1:]), compression=GZIP)


def cv2_frames(run: Prepared, video: Path, folder: Path) -> None:
    """Decode by OpenCV and write a JPEG a frame."""
    source, number = cv2.VideoCapture(str(video)), 0
    while (read := source.read())[0]:
        quality = [cv2.IMWRITE_JPEG_QUALITY, run.config.frames.quality]
        cv2.imwrite(str(folder / f"frame{number:05d}.jpg"), read[1], quality)
        number += 1


def crop_file(run: Prepared, path: Path, affine: NDArray[np.float64]) -> Path:
    """Cut the box out of a frame's file into a file of its own."""
    size = run.config.crops.size
    image = cv2.warpAffine(cv2.imread(str(path)), affine, (size, size))
    target = path.with_name(path.name.replace("frame", "crop"))
    cv2.imwrite(str(target), image, [cv2.IMWRITE_JPEG_QUALITY, run.config.crops.quality])
    return target


def plain_maps(run: Prepared, clip_id: str) -> NDArray[np.float32]:
    """Render a clip's maps keypoint by keypoint."""
    points = np.nan_to_num(run.shard("crops").read("keypoints", clip_id))
    places = rescale_points(points, 1 / STRIDE)
    maps: NDArray[np.float32] = render_plain(places, run.config.crops.size // STRIDE, run.config.heatmaps.sigma)
    return maps


# ------------------------------------------------------------------------------------- the same answers


def decoded(run: Prepared, folder: Path, videos: list[Path]) -> None:
    """Check that ffmpeg's files show what the stage's frames do."""
    frames(run)
    for clip, video in zip(run.clips(), videos, strict=True):
        ours, files = run.shard("frames").jpeg(clip.clip_id), ffmpeg_jpegs(video, folder)
        if len(ours) != len(files):
            raise AnswersDifferError(f"{video}: expected {len(files)} frames, found {len(ours)}")
        for number in (0, len(files) // 2, len(files) - 1):
            near(f"{video}, frame {number}", decode_jpeg(ours[number], "a frame"), files[number])


def compare(run: Prepared, videos: list[Path], folder: Path) -> None:
    """Check that the plain way's crops and maps are ours."""
    clip, shards = run.clips()[0], {stage: run.shard(stage) for stage in ("crops", "heatmaps")}
    empty(folder)
    cv2_frames(run, videos[0], folder)
    affine = shards["crops"].fact("affine", clip.clip_id)
    paths = sorted(folder.glob("frame*.jpg"))
    for number in (0, len(paths) // 2):
        image = decode_jpeg(shards["crops"].jpeg(clip.clip_id, [number])[0], "a crop")
        near(f"{videos[0]}, crop {number}", image, crop_file(run, paths[number], affine))
    agree(f"{videos[0]}, maps", shards["heatmaps"].read("volume", clip.clip_id), plain_maps(run, clip.clip_id))


def near(what: str, ours: Image, file: Path) -> None:
    """Check that an image and a file differ by no more than `LEVELS` on average."""
    theirs = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    apart = np.abs(ours.astype(np.float64) - theirs).mean() if ours.shape == theirs.shape else np.inf
    same(what, np.array(apart), np.array(0.0), LEVELS)
