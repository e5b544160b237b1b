"""What a handful of val clips does for the weights of late fusion: equal ones against those of greatest likelihood.

    python -m benchmarks.real_people_weights --answers answers.jsonl --streams rgb.long pose.base sequence

Of the test clips of every fold that all the streams have answered, some are drawn as val, the weights are chosen on
them and tried on the others; the mean over many draws.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_people_answers import Answer, Answers, mean
from camfuse.metrics import likely_weights

DRAWS = 300
VAL_CLIPS = (4, 8, 16, 24)


def main() -> None:
    """Print a line a number of val clips."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, required=True, help="what `real_people_gpu` wrote")
    parser.add_argument("--streams", nargs="+", required=True, help="variants")
    options = parser.parse_args()
    for place, found in together(Answers(options.answers).all, options.streams).items():
        print(*place, {one.variant: round(100 * float(one.right.mean()), 1) for one in found})
        for clips in VAL_CLIPS:
            equal, likely = compared(found, clips)
            print(f"  {clips} val clips: equal {100 * equal:.1f}, likelihood {100 * likely:.1f}")


def together(answers: list[Answer], variants: list[str]) -> dict[tuple[str, str, int], list[Answer]]:
    """Return the variants' answers by set, fold and seed, where all are there."""
    found: dict[tuple[str, str, int], list[Answer]] = {}
    for one in sorted(answers, key=lambda one: variants.index(one.variant) if one.variant in variants else -1):
        if one.variant in variants and one.part != "fusion":
            found.setdefault((one.set, one.group, one.seed), []).append(one)
    return {place: some for place, some in found.items() if len(some) == len(variants)}


def compared(found: list[Answer], val_clips: int) -> tuple[float, float]:
    """Return the share of right clips with equal weights and with those chosen on `val_clips` others."""
    heads, labels = np.stack([mean(one.heads.values()) for one in found]), found[0].labels
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(DRAWS):
        order = rng.permutation(len(labels))
        val, test = order[:val_clips], order[val_clips:]
        chosen = {str(number): torch.from_numpy(one[val]) for number, one in enumerate(heads)}
        weights = np.array(likely_weights(chosen, torch.from_numpy(labels[val])))
        shares.append([_right(heads[:, test], labels[test], one) for one in (np.ones(len(heads)), weights)])
    equal, likely = np.mean(shares, 0)
    return float(equal), float(likely)


def _right(heads: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64]) -> float:
    return float((np.tensordot(weights, heads, 1).argmax(1) == labels).mean())


if __name__ == "__main__":
    main()
