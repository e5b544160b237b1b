"""MediaPipe's three models of the body: speed, what is found, and how well signs are told apart by it.

    python -m benchmarks.mediapipe_complexity --data DIR [--work FOLDER] [--seeds 3]

The 95 clips of `clips/asl` on webcams: 24 words by three signers, each the test once. Every clip is estimated with each
complexity in turn; keypoints and times stay in the working folder. Complexities 0 and 2 need their models in
MediaPipe's folder (`camfuse.prep.pose.mediapipe.estimator`).
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.pose_engines import processor
from benchmarks.real_people_rows import Row, Task, ridge
from benchmarks.real_people_sequence import sequence_stream
from camfuse.config.estimators import MediapipePose
from camfuse.predict.recognise import clip_of
from camfuse.prep.frames import read_clip
from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator
from camfuse.prep.pose.run import estimate_clip
from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

Complexity = Literal[0, 1, 2]
COMPLEXITIES: tuple[Complexity, ...] = get_args(Complexity)
NAMES = {0: "0, lite", 1: "1, full (in the wheel)", 2: "2, heavy"}
QUALITY = 95
"""JPEG quality of the frames, as the stage `frames` has it."""
PARTS = {"body": range(17), "face": range(23, 91), "left hand": LEFT_HAND, "right hand": RIGHT_HAND}
ROWS: dict[str, Row] = {"ridge": ridge, "sequence stream": sequence_stream}
Array = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl")
    parser.add_argument("--work", type=Path, default=Path("results/mediapipe_complexity"))
    parser.add_argument("--clips", type=int, help="the first so many, for a try")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "mediapipe_complexity.md")
    options = parser.parse_args()
    folder = options.data / "clips" / "asl"
    table = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False).query("source == 'webcam'")
    table = table.reset_index(drop=True).head(options.clips or len(table))
    for video in table["video"]:
        estimate(folder / video, options.work)
    rows = [row(table, complexity, options) for complexity in COMPLEXITIES]
    options.output.write_text(report(rows, table), encoding="utf-8")
    print(options.output.read_text(encoding="utf-8"))


def estimate(video: Path, work: Path) -> None:
    """Estimate one video with each complexity in turn, unless it lies in the folder `work`."""
    clip, stored = clip_of(video), work / f"{video.stem}.npz"
    if stored.exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    frames, found = read_clip(clip, QUALITY), {}
    for complexity in COMPLEXITIES:
        with MediapipeEstimator(MediapipePose(complexity=complexity)) as estimator:
            began = time.process_time()
            poses = estimate_clip(estimator, clip, frames)
            found[f"seconds{complexity}"] = np.array((time.process_time() - began) / len(frames))
            found[f"keypoints{complexity}"] = poses.keypoints
    np.savez(stored, **found)


def row(table: pd.DataFrame, complexity: Complexity, options: argparse.Namespace) -> dict[str, Any]:
    """Return one complexity's figures."""
    clips, seconds = [], []
    for video in table["video"]:
        with np.load(options.work / f"{Path(video).stem}.npz") as stored:
            clips.append(stored[f"keypoints{complexity}"])
            seconds.append(float(stored[f"seconds{complexity}"]))
    found: dict[str, Any] = {"complexity": complexity, "frames_per_second": 1 / float(np.median(seconds))}
    found |= detection(clips)
    for name, method in ROWS.items():
        found[name] = accuracies(table, clips, method, 1 if name == "ridge" else options.seeds)
    print(json.dumps(found), flush=True)
    return found


def detection(clips: list[Array]) -> dict[str, float]:
    """Return the share of all frames in which each part was found."""
    score = np.concatenate(clips)[..., 2]
    return {name: float((score[:, list(part)] > 0).any(1).mean()) for name, part in PARTS.items()}


def accuracies(table: pd.DataFrame, clips: list[Array], method: Row, seeds: int) -> list[float]:
    """Return the share of right test clips over all signers, each left out once, of each seed."""
    words = sorted(set(table["word"]))
    labels = np.array([words.index(word) for word in table["word"]])
    signers = table["signer"].to_numpy()
    out = []
    for seed in range(seeds):
        right = 0
        for signer in sorted(set(signers)):
            train, test = np.flatnonzero(signers != signer), np.flatnonzero(signers == signer)
            task = Task(
                [clips[at] for at in train],
                labels[train],
                signers[train].tolist(),
                [clips[at] for at in test],
                len(words),
            )
            right += int((method(task, seed).argmax(1) == labels[test]).sum())
        out.append(right / len(clips))
    return out


def report(rows: list[dict[str, Any]], table: pd.DataFrame) -> str:
    """Return the table as Markdown."""
    seeds = max(len(one[name]) for one in rows for name in ROWS)
    lines = [
        "# MediaPipe's three models of the body",
        "",
        f"`python -m benchmarks.mediapipe_complexity --data DIR --clips {len(table)} --seeds {seeds}`: "
        f"{len(table)} clips of `clips/asl` on webcams, {table['word'].nunique()} words by "
        f"{table['signer'].nunique()} signers, each the test once; {processor('cpu')}. Frames a second of one core: "
        "median over the clips, by CPU time, the complexities taking "
        "turns. Found: share of the frames. Right: top-1 in percent, mean ± standard deviation over seeds; one clip is "
        f"{100 / len(table):.1f}, and rows that are a few clips apart are not told apart.",
        "",
        f"| `pose.mediapipe.complexity` | frames/s a core | {' | '.join(f'{name} found' for name in PARTS)} "
        f"| {' | '.join(f'{name}, right' for name in ROWS)} |",
        "|" + "---|" * (2 + len(PARTS) + len(ROWS)),
    ]
    for one in rows:
        shares = " | ".join(f"{one[name]:.1%}" for name in PARTS)
        right = " | ".join(spread(one[name]) for name in ROWS)
        lines.append(f"| {NAMES[one['complexity']]} | {one['frames_per_second']:.1f} | {shares} | {right} |")
    return "\n".join([*lines, ""])


def spread(shares: list[float]) -> str:
    """Return mean and standard deviation in percent."""
    percent = 100 * np.array(shares)
    return f"{percent.mean():.1f}" + (f" ± {percent.std(ddof=1):.1f}" if len(percent) > 1 else "")


if __name__ == "__main__":
    main()
