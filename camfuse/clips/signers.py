"""Who signs the tested clips: whether the people of a test are in training too."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from camfuse.clips.label_files import name_some, plural

NOBODY = frozenset("? - -- NA N/A n/a NaN nan None none null NULL unknown Unknown UNKNOWN".split())
"""What tables say where nobody knows who signs; Na is somebody's name."""


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


def given_split_notes(rows: pd.DataFrame, remedy: str) -> list[str]:
    """Say in a sentence who is tested by a split that a table gives; nothing where nobody of the test is in training.

    Parameters
    ----------
    rows
        Columns signer (empty where unknown) and split (train, val or test).
    remedy
        What a user can do so that the signers are known, a sentence.
    """
    tested, trained = (rows[rows["split"] == split] for split in ("test", "train"))
    counts = count_signers(tested, trained)
    if not counts.seen and (counts.unknown == 0 or trained.empty):
        return []
    clips = plural(len(tested), "clip of test is", "clips of test are")
    if not counts.seen:
        without = int((rows["signer"] == "").sum())
        have = f"{without} of {len(rows)} clips {plural(without, 'has', 'have')} no signer"
        unknown = f"is not known for {counts.unknown} of {len(tested)} {plural(len(tested), 'clip', 'clips')}"
        return [f"Whether the people of test are in training too {unknown}: {have}. {remedy}"]
    both = sorted(set(tested["signer"]) & set(trained["signer"]) - {""})
    said = f"{counts.seen} of {len(tested)} {clips} by people who are in training too: {name_some(both)}"
    others = f"only the other {counts.unseen} {plural(counts.unseen, 'says', 'say')}"
    new = others if counts.unseen else "nothing says"
    return [f"{said}; {new} how new people are recognised."]


def without_placeholders(signers: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return signers, those in `NOBODY` as unknown (empty), and a sentence on these if there are any."""
    given = list(signers)
    named = [signer for signer in given if signer in NOBODY]
    if not named:
        return given, []
    names = " / ".join(map(repr, sorted(set(named))))
    have = plural(len(named), "clip has", "clips have")
    note = (
        f"{len(named)} {have} the signer {names}, which is taken to mean that nobody knows who signs; if it is "
        "somebody's name, write it otherwise."
    )
    return ["" if signer in NOBODY else signer for signer in given], [note]
