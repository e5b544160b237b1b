"""How well each signer of the tested clips is recognised, and by how much better those who are in training."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from camfuse.metrics import top_k_hits, wilson_interval


@dataclass(frozen=True)
class SignerScore:
    """How well one signer of the tested clips is recognised.

    Attributes
    ----------
    signer
        As the clip table names them.
    seen
        Whether training had clips of them; None where that is not known.
    clips
        Tested clips of this signer.
    right
        How many of them each row of the result table has right.
    """

    signer: str
    seen: bool | None
    clips: int
    right: Mapping[str, int]


@dataclass(frozen=True)
class Share:
    """A share of clips with its 95 % interval."""

    right: int
    clips: int

    @property
    def value(self) -> float:
        """The share; NaN without clips."""
        return self.right / self.clips if self.clips else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval, which also holds for few clips and for shares near 0 and 1."""
        return wilson_interval(self.right, self.clips)


def score_signers(
    tested: pd.DataFrame, trained: pd.DataFrame, rows: Mapping[str, Tensor], labels: Tensor
) -> tuple[SignerScore, ...]:
    """Count what is right by signer, in the order of their names; empty where no tested clip has one.

    Parameters
    ----------
    tested, trained
        As `camfuse.clips.signers.count_signers` has them.
    rows
        Probabilities (n, C) of the tested clips, by row of the result table.
    labels
        (n,) class indices of these clips.
    """
    signers, in_training = tested["signer"].to_numpy(str), set(trained["signer"])
    known = bool(in_training) and "" not in in_training
    hits = {row: top_k_hits(values, labels, 1) for row, values in rows.items()}
    found = []
    for signer in sorted(set(signers.tolist()) - {""}):
        own = signers == signer
        seen = True if signer in in_training else False if known else None
        right = {row: int(values[own].sum()) for row, values in hits.items()}
        found.append(SignerScore(signer, seen, int(own.sum()), right))
    return tuple(found)


def share_of(scores: Iterable[SignerScore], row: str) -> Share:
    """Return what a row has right of all clips of these signers."""
    own = list(scores)
    return Share(sum(one.right[row] for one in own), sum(one.clips for one in own))


def gap(seen: Share, unseen: Share) -> tuple[float, float, float]:
    """Return by how much people who are in training are recognised better, and the 95 % interval of that.

    The interval is Newcombe's, made of the two Wilson intervals (Statistics in Medicine 17, 1998, method 10). It is
    over the clips: with few signers, other signers may differ by more.
    """
    (low, high), (other_low, other_high) = seen.interval, unseen.interval
    difference = seen.value - unseen.value
    below = math.hypot(seen.value - low, other_high - unseen.value)
    above = math.hypot(high - seen.value, unseen.value - other_low)
    return difference, difference - below, difference + above
