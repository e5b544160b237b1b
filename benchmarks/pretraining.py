"""What starting from other people's signs is worth to a training on next to nothing.

    python -m benchmarks.pretraining --data DIR

The sequence stream starts from random weights, from the letters that CAMFuse ships, or from what `camfuse pretrain`
makes of these and three more sets; it is trained on clips of one signer of the 24 words (`clips/asl`): one clip of each
word or all there are. The two other signers are the test. No person of the test is in the sets; of its words, the
letters hold none and the three sets beside them five.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_people_rows import Scores, Task, time_warping
from benchmarks.real_people_sequence import Labelled, keypoint_run, sequence_stream
from benchmarks.real_people_sets import SETS, People
from camfuse.config.model import SHIPPED_WEIGHTS
from camfuse.files import write_text
from camfuse.train.pretrain import pretrain

HERE = Path(__file__).parent
FOUR = ("letters", "nepali", "adrlfv", "holistic")
"""The sets of the benchmark's own pre-training; the letters are those of the demo's package."""
STEPS = 5000
"""Batches of a pre-training."""


@dataclass(frozen=True)
class Right:
    """Of each test clip, whether the first word was right, and whether one of the first five was: (n,) each."""

    first: NDArray[np.bool_]
    five: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/asl and keypoints")
    parser.add_argument("--work", type=Path, default=Path("results/real_people"), help="poses, pre-trained weights")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--output", type=Path, default=HERE / "results" / "pretraining.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not (four := options.work / "pretraining" / "four.ckpt").exists():
        pretrained([SETS[name].read(options.data, options.work) for name in FOUR], STEPS, four)
    letters = SHIPPED_WEIGHTS["letters"].path
    starts = {"random weights": None, "the shipped letters": letters, "the letters and three more sets": four}
    people = SETS["asl24"].read(options.data, options.work)
    lines = []
    for amount, one in (("one clip of each word", True), ("all clips of one signer", False)):
        tasks = [task_of(people, signer, one=one) for signer in sorted(set(people.signers))]
        lines.append(line(amount, "time warping", [[right(time_warping(task, 0), y) for task, y in tasks]]))
        for name, weights in starts.items():
            found = [[right(sequence_stream(task, seed, weights), y) for task, y in tasks] for seed in options.seeds]
            lines.append(line(amount, name, found))
            print(lines[-1], flush=True)
    write_text(options.output, page := TEMPLATE.format(lines="\n".join(lines), seeds=len(options.seeds)))
    print(page)


def pretrained(sets: Sequence[People], steps: int, file: Path) -> None:
    """Train one stream on all clips of several sets and write its weights."""
    with TemporaryDirectory() as folder:
        runs = [
            keypoint_run(
                Path(folder) / str(number), [Labelled("train", one.keypoints, one.labels)], len(one.classes), seed=1
            )
            for number, one in enumerate(sets)
        ]
        pretrain(runs, file, steps=steps)


def task_of(people: People, signer: str, *, one: bool) -> tuple[Task, NDArray[np.int64]]:
    """Return the training on one signer's clips, or on the first of each word, and the labels of the others' clips."""
    theirs = np.array([name == signer for name in people.signers])
    rows = np.flatnonzero(theirs)
    if one:
        rows = rows[np.unique(people.labels[rows], return_index=True)[1]]
    test = np.flatnonzero(~theirs)
    train = [people.keypoints[row] for row in rows]
    asked = [people.keypoints[row] for row in test]
    task = Task(train, people.labels[rows], [people.signers[row] for row in rows], asked, len(people.classes))
    return task, people.labels[test]


def right(scores: Scores, labels: NDArray[np.int64]) -> Right:
    best = np.argsort(-scores, axis=1, kind="stable")
    return Right(best[:, 0] == labels, (best[:, :5] == labels[:, None]).any(1))


def line(amount: str, start: str, seeds: Sequence[Sequence[Right]]) -> str:
    """Return a row of the table: each clip counts the same, the seeds side by side."""
    cells = []
    for of in ("first", "five"):
        each = [100 * np.concatenate([getattr(one, of) for one in tasks]).mean() for tasks in seeds]
        beside = f" ({', '.join(f'{one:.1f}' for one in each)})" if len(each) > 1 else ""
        cells.append(f"{np.mean(each):.1f}{beside}")
    return f"| {amount} | {start} | {cells[0]} | {cells[1]} |"


TEMPLATE = """# Starting from other people's signs

Written by the command

    python -m benchmarks.pretraining --data DIR

The sequence stream, from random weights or pre-trained on other people's signs, trained by the package on one signer of
the 24 words (`clips/asl`) and tested on the two others; each of the three is the one in turn, 190 answers, chance 4.2.
{seeds} seeds of the last training, one of the pre-training. In percent: the first word right, one of the first five.

| trained on | starting from | top-1 | top-5 |
|---|---|---|---|
{lines}

The shipped letters (`model.sequence.weights: letters`) were made from the 410 recordings of A to Z inside the demo's
package (MIT) in 3,000 batches; the four sets took 5,000. The three more sets are Nepali letters, 15 words of AdrLfv and
three words of seven persons. They hold five of the 24 words (eat, no, yes, I love you, thank you), so that only the
letters' rows are of words that the pre-training has not seen; and most of their recordings state no licence.
"""


if __name__ == "__main__":
    main()
