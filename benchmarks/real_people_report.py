"""The table of `real_people`: means with spread, an interval over clips, a paired test, the time of a training."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

DRAWS = 10_000
ANCHOR = "plain network"
"""The row that each other is tested against."""


@dataclass(frozen=True)
class Outcome:
    """What one row came to on one set.

    Attributes
    ----------
    right
        (seeds, clips) bool: whether each test clip was recognised; every test clip of every fold once.
    folds
        (clips,) number of each clip's fold.
    seconds
        Processor seconds of one training with its test, the mean; not a number where trainings shared a GPU.
    """

    right: NDArray[np.bool_]
    folds: NDArray[np.int64]
    seconds: float


def interval(right: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the 95 % interval of the mean over the clips, by bootstrap; seeds are averaged first."""
    shares = right.mean(0)
    rng = np.random.default_rng(0)
    means = shares[rng.integers(0, len(shares), (DRAWS, len(shares)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def paired_p(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return how often chance alone gives a difference as large, two-sided: signs of the clips' differences drawn."""
    differences = one.mean(0) - other.mean(0)
    differences = differences[differences != 0]
    if len(differences) == 0:
        return 1.0
    signs = np.random.default_rng(0).choice((-1.0, 1.0), (DRAWS, len(differences)))
    at_least = np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9
    return float((at_least.sum() + 1) / (DRAWS + 1))


def mean_over_folds(outcome: Outcome) -> float:
    """Return the mean over the folds, each counting the same."""
    return float(np.mean([outcome.right[:, outcome.folds == fold].mean() for fold in np.unique(outcome.folds)]))


def table(title: str, classes: int, outcomes: Mapping[str, Outcome]) -> str:
    """Return the section of one set: a line a row."""
    clips = next(iter(outcomes.values())).right.shape[1]
    lines = [
        f"## {title}",
        "",
        f"{clips} test clips, {classes} classes, chance {100 / classes:.1f}.",
        "",
        "| row | clips, % | seeds | interval | folds, % | against the plain network | processor seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, outcome in outcomes.items():
        each = 100 * outcome.right.mean(1)
        low, high = interval(outcome.right)
        spread = f" ± {each.std(ddof=1):.1f}" if len(each) > 1 else ""
        lines.append(
            f"| {name} | {each.mean():.1f}{spread} | {' '.join(f'{value:.1f}' for value in each)} | "
            f"{100 * low:.1f} to {100 * high:.1f} | {100 * mean_over_folds(outcome):.1f} | "
            f"{_against(outcome, outcomes.get(ANCHOR))} | {_seconds(outcome)} |"
        )
    return "\n".join(lines)


def _against(outcome: Outcome, anchor: Outcome | None) -> str:
    if anchor is None or anchor is outcome:
        return ""
    difference = 100 * (outcome.right.mean() - anchor.right.mean())
    return f"{difference:+.1f} (p {paired_p(outcome.right, anchor.right):.3f})"


def _seconds(outcome: Outcome) -> str:
    return "-" if np.isnan(outcome.seconds) else f"{outcome.seconds:.0f}"


def report(command: str, sections: list[str]) -> str:
    """Return the whole page."""
    return TEMPLATE.format(
        command=command,
        versions=f"Python {platform.python_version()}, torch {torch.__version__}, one thread",
        sections="\n\n".join(sections),
    )


TEMPLATE = """# Real people

Written by the command

    {command}

{versions}. Splits are by signer, but where a set's own split is not. `clips`: top-1 over all test clips, mean ±
standard deviation over the seeds; `interval`: 95 %, bootstrap over clips (those of one signer are not independent, so
it is rather too narrow); `folds`: each fold counts the same. Against the plain network: the difference over clips, and
how often chance gives one as large (paired, signs drawn over clips). Rows without a seed of their own (chance, ridge,
time warping) have one figure; the others have one for each seed that was run. `sequence`, `pose`, `RGB` and their
fusions are trained and tested by the package itself, by `recipe: auto`; where signs are all in the hand, crops and
heatmaps are those of `real_signing_hands.yaml`. Keypoints without a video have no RGB. Remarks on some sets:
[what was tried](real_people_choices.md); on the streams and their fusions: [streams](real_people_streams.md).

{sections}
"""
