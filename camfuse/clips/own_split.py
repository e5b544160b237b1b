"""The split of clips that come without one: by signer where it is known who signs, else each label by itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from camfuse.clips.label_files import name_some, plural
from camfuse.clips.splits import split_labels, split_signers
from camfuse.clips.table import SPLITS
from camfuse.config.sources import SplitBy

MIXED = "expect the people of the test to be in training too, so its numbers do not say how new people are recognised"


@dataclass(frozen=True)
class OwnSplit:
    """How a reader wants its clips to be split.

    Attributes
    ----------
    shares
        Of train, val and test.
    by
        What is split; None: signers where all are known, else labels.
    remedy
        What a user can do so that the signers are known, a sentence.
    """

    shares: tuple[float, float, float]
    by: SplitBy | None = None
    remedy: str = ""


def split_rows(rows: pd.DataFrame, wish: OwnSplit) -> tuple[list[str], list[str]]:
    """Return the split of each row (clip_id, label, signer; empty where unknown), and notes on it, a sentence each."""
    clip_ids, labels, signers = (rows[name].tolist() for name in ("clip_id", "label", "signer"))
    if why := _why_by_label(signers, wish):
        shares = _written(wish.shares)
        return split_labels(clip_ids, labels, wish.shares), [f"Each label is split {shares} by itself, {why}"]
    splits = split_signers(signers, labels, wish.shares)
    notes = list(_notes(signers, labels, splits, wish))
    if wish.shares[1] > 0 and "val" not in splits:  # test keeps its signer; without val, no epoch or weights are chosen
        notes.append("There is no signer left for val: each label's training clips are split into train and val.")
        splits = _val_of_train(clip_ids, labels, splits, wish)
    return splits, notes


def _val_of_train(clip_ids: Sequence[str], labels: Sequence[str], splits: Sequence[str], wish: OwnSplit) -> list[str]:
    own = [clip for clip, split in enumerate(splits) if split == "train"]
    train = wish.shares[0] / (wish.shares[0] + wish.shares[1])
    parts = split_labels([clip_ids[clip] for clip in own], [labels[clip] for clip in own], (train, 1 - train, 0.0))
    found = dict(zip(own, parts, strict=True))
    return [found.get(clip, split) for clip, split in enumerate(splits)]


def signer_problems(rows: pd.DataFrame, wish: OwnSplit) -> list[str]:
    """Say what keeps the signers from being split where `by: signer` asks for it; empty where nothing does."""
    if wish.by != "signer":
        return []
    unknown = rows["clip_id"][rows["signer"] == ""].tolist()
    if len(unknown) == len(rows):
        return [f"by: `signer` needs to know who signs, found no signer of any clip. {wish.remedy}"]
    if not unknown and _too_few(rows["signer"], wish):
        return [f"by: `signer` needs at least two signers, found only {rows['signer'].iloc[0]!r}"]
    return [f"{clip_id}: by: `signer` needs the signer of every clip, found none of this one" for clip_id in unknown]


def _why_by_label(signers: Sequence[str], wish: OwnSplit) -> str:
    """Say why labels are split, and what that means for the test; empty where signers are."""
    if wish.by == "label":
        return f"as `by: label` asks: {MIXED}."
    if unknown := signers.count(""):
        some = f"{unknown} of {len(signers)} clips {plural(unknown, 'has', 'have')} no signer"
        clips = "no clip has a signer" if unknown == len(signers) else some
        return f"for {clips}: {MIXED}. {wish.remedy}"
    if _too_few(signers, wish):
        return f"for all clips are of one signer: {MIXED}."
    return ""


def _too_few(signers: Iterable[str], wish: OwnSplit) -> bool:
    return len(set(signers)) < 2 <= sum(share > 0 for share in wish.shares)


def _notes(signers: Sequence[str], labels: Sequence[str], splits: Sequence[str], wish: OwnSplit) -> Iterator[str]:
    people = {split: {one for one, found in zip(signers, splits, strict=True) if found == split} for split in SPLITS}
    counted = ", ".join(f"{len(people[split])} in {split}" for split in SPLITS)
    shares = _written([splits.count(split) / max(len(splits), 1) for split in SPLITS])
    yield f"Signers are kept apart: {counted}, with {shares} of the clips (asked for: {_written(wish.shares)})."
    trained = {label for label, split in zip(labels, splits, strict=True) if split == "train"}
    untrained = sorted(set(labels) - trained)
    if untrained and people["train"]:
        lack, them = (plural(len(untrained), *words) for words in (("label has", "labels have"), ("it", "them")))
        yield (
            f"{len(untrained)} {lack} no training clip, for nobody in train signs {them}: {name_some(untrained)}. "
            f"Record {them} with more people, or split with `by: label`."
        )


def _written(shares: Iterable[float]) -> str:
    return " / ".join(f"{share:.2g}" for share in shares)
