"""How well signs are found in long recordings: F1 at an overlap (intersection over union) of 0.5.

    python -m benchmarks.segments --data DIR

Clips of `clips/asl` are joined by rests (`benchmarks.joined`). Signers are of two kinds: the settings were chosen on
the one, whose truth is the stretch in which a wrist is above the middle of its clip's way up; the figure is of the
other, whose truth was marked by eye in the videos (`segment_truth.csv`).
"""

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.joined import FPS, Piece, Recording, join, resting
from benchmarks.real_people_sets import keypoints_of
from camfuse.files import write_text
from camfuse.predict.segments import ARMS, find_segments

HERE = Path(__file__).parent
TRUTH = HERE / "segment_truth.csv"
OVERLAP = 0.5
IN_A_ROW = 5
ROUNDS = 5
"""How often all clips are joined anew."""
EMPTY = 40
"""Recordings without a sign, of `EMPTY_SECONDS` each."""
EMPTY_SECONDS = 20.0
Spans = Sequence[tuple[int, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl")
    parser.add_argument("--work", type=Path, default=Path("results/real_people"), help="where the poses are kept")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "segments.md")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "All-NaN")
    chosen_on, tested = read_pieces(options.data, options.work)
    lines = [line(name, pieces) for name, pieces in (("chosen on", chosen_on), ("tested", tested))]
    write_text(options.output, TEMPLATE.format(lines="\n".join(lines)))
    print("\n".join(lines))


def read_pieces(data: Path, work: Path) -> tuple[list[Piece], list[Piece]]:
    """Return the clips that settings may be chosen on, and the tested ones; no signer is of both."""
    folder = data / "clips" / "asl"
    table = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    marked = pd.read_csv(TRUTH).set_index("video")
    names = table["video"].map(lambda video: Path(video).stem)
    held = set(table["signer"][names.isin(marked.index)])
    chosen_on, tested = [], []
    for video, name, signer in zip(table["video"], names, table["signer"], strict=True):
        if signer in held and name not in marked.index:
            continue
        path = folder / video
        keypoints, fps = keypoints_of([path], work / "poses" / "asl")[0], rate(path)
        if name in marked.index:
            tested.append(Piece(keypoints, fps, *(int(value) for value in marked.loc[name, ["first", "stop"]])))
        else:
            chosen_on.append(Piece(keypoints, fps, *raised(keypoints)))
    return chosen_on, tested


def rate(video: Path) -> float:
    reader = imageio_ffmpeg.read_frames(str(video))
    fps = float(next(reader)["fps"])
    reader.close()
    return fps


def raised(keypoints: NDArray[np.float32]) -> tuple[int, int]:
    """Return from where to where a wrist is above the middle of the clip's way up; all of a clip without a way up."""
    heights = -np.fmin(*(keypoints[:, arm, 1] for arm, _ in ARMS))
    low, high = np.nanpercentile(heights, (2, 95))
    width = np.nanmedian(np.linalg.norm(keypoints[:, 5, :2] - keypoints[:, 6, :2], axis=1))
    if not high - low > 0.5 * width:
        return 0, len(keypoints)
    up = np.flatnonzero(heights > (low + high) / 2)
    return int(up[0]), int(up[-1]) + 1


def line(name: str, pieces: list[Piece]) -> str:
    """Return the row of a kind of signers."""
    joined = recordings(pieces, seed=1)
    spans = [([(s.first, s.stop) for s in find_segments(one.keypoints, FPS)], one.signs) for one in joined]
    empty = sum(len(find_segments(one.keypoints, FPS)) for one in without_signs(pieces, seed=1))
    hits, wrong, missed = counts(spans)
    start, end = np.median(edge_errors(spans), axis=0)
    return (
        f"| {name} | {len(pieces)} | {len(joined)} | {hits + missed} | {f1(spans):.3f} | {hits / (hits + wrong):.3f} | "
        f"{hits / (hits + missed):.3f} | {start:.2f} | {end:.2f} | {empty} in {EMPTY * EMPTY_SECONDS / 60:.0f} min |"
    )


def recordings(pieces: list[Piece], *, seed: int) -> list[Recording]:
    """Return all clips `ROUNDS` times in another order each time, `IN_A_ROW` a recording."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(ROUNDS):
        order = rng.permutation(len(pieces))
        for start in range(0, len(order), IN_A_ROW):
            found.append(join([pieces[number] for number in order[start : start + IN_A_ROW]], rng))
    return found


def without_signs(pieces: list[Piece], *, seed: int) -> list[Recording]:
    """Return recordings of people who sign nothing."""
    rng = np.random.default_rng(seed)
    return [resting(pieces[rng.integers(len(pieces))].keypoints, EMPTY_SECONDS, rng) for _ in range(EMPTY)]


def overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return max(shared, 0) / (max(one[1], other[1]) - min(one[0], other[0]))


def pairs(found: Spans, signs: Spans) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return which found segment is which sign: above an overlap of 0.5 there is at most one."""
    return [(one, sign) for one in found for sign in signs if overlap(one, sign) > OVERLAP]


def counts(spans: Sequence[tuple[Spans, Spans]]) -> tuple[int, int, int]:
    """Return how many signs were found, how many segments are none, and how many signs were missed."""
    hits = sum(len(pairs(found, signs)) for found, signs in spans)
    return hits, sum(len(found) for found, _ in spans) - hits, sum(len(signs) for _, signs in spans) - hits


def f1(spans: Sequence[tuple[Spans, Spans]]) -> float:
    hits, wrong, missed = counts(spans)
    return 2 * hits / (2 * hits + wrong + missed)


def edge_errors(spans: Sequence[tuple[Spans, Spans]]) -> NDArray[np.float64]:
    """Return, of the signs that were found, by how many seconds start and end are off: (n, 2)."""
    matched = [pair for found, signs in spans for pair in pairs(found, signs)]
    return np.array([(abs(one[0] - sign[0]) / FPS, abs(one[1] - sign[1]) / FPS) for one, sign in matched])


TEMPLATE = """# Signs in long recordings

Written by the command

    python -m benchmarks.segments --data DIR

Real clips of `clips/asl`, five joined in a row by rests of 0.8 to 3 s (hanging, in the lap, folded, out of sight, now
and then fidgeting; `benchmarks/joined.py`), through `camfuse.predict.segments.find_segments`. A sign counts as found if
a segment overlaps it by more than 0.5 (intersection over union).

| signers | clips | recordings | signs | F1 | precision | recall | start off, s | end off, s | segments without sign |
|---|---|---|---|---|---|---|---|---|---|
{lines}

No signer is in both rows. The settings (`Activity`) were chosen on the first, where the truth is the stretch in which a
wrist is above the middle of its clip's way up; they are flat: 48 combinations lay between 0.94 and 0.95, and longer
`gap` gave up to 0.965. The second's truth was marked by eye in the videos (`segment_truth.csv`, to about 3 frames);
a first version of the method had been tried on it once (0.972). `off`: medians over the signs found.

What the figures do not say: the rests are made, not recorded; whoever folds the hands high before the chest, or signs
below the belly, is found less well; signs that follow each other without a rest are one segment; and a hand through
the hair is a segment too.
"""

if __name__ == "__main__":
    main()
