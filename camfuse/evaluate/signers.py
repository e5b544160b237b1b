"""Whether the test is of people whom training never saw."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class SignerCounts:
    """The tested clips by who signs them.

    Attributes
    ----------
    unseen
        Clips of signers of whom training had no clip.
    seen
        Clips of signers of whom it had.
    unknown
        Clips of which that is not known.
    """

    unseen: int
    seen: int
    unknown: int

    def of_all(self) -> str | None:
        """Return the one of the three that holds of all clips, if one does."""
        counts = {"unseen": self.unseen, "seen": self.seen, "unknown": self.unknown}
        there = [name for name, count in counts.items() if count]
        return there[0] if len(there) == 1 else None


def count_signers(tested: pd.DataFrame, trained: pd.DataFrame) -> SignerCounts:
    """Count the tested clips by whether their signer was trained on.

    Where a training clip has no signer it may be anybody's, and where none is listed it is not at hand: then nobody is
    known to be unseen.

    Parameters
    ----------
    tested, trained
        Rows of the clip table; their column signer counts, empty where unknown.
    """
    signers, in_training = tested["signer"], set(trained["signer"])
    seen = int(signers.isin(in_training - {""}).sum())
    known = bool(in_training) and "" not in in_training
    unseen = int((~signers.isin(in_training | {""})).sum()) if known else 0
    return SignerCounts(unseen, seen, len(tested) - seen - unseen)
