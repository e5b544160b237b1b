"""What a user can expect of a folder or a table of videos: counts, times, and how good a result to hope for."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from camfuse.clips.coverage import without_clips
from camfuse.clips.label_files import name_some, plural
from camfuse.clips.labels import natural_order
from camfuse.clips.signers import count_signers
from camfuse.clips.table import SPLITS
from camfuse.config import Config, Stream
from camfuse.config.computer import Computer
from camfuse.config.recipe import Counts
from camfuse.init.look import Videos

POSE_SECONDS = 0.05
"""One frame by MediaPipe on one core (docs/results.md)."""
STEP_SECONDS = 0.06
"""One batch of the sequence stream on two cores: a minute for 1,000, as in the benchmark of real people."""
SHARD_CLIPS = 250
"""Clips of a shard at most: an hour or so of poses on one core."""
MEASURED = (
    (8.0, "8 words with about 12 training clips each: 96 %"),
    (2.0, "24 words with about 3 training clips each: 87 %"),
    (1.0, "24 words with one training clip each, all by one person: 73 %"),
)
"""Training clips a word, from which on a measurement is near; signers unseen, several seeds (docs/results.md and
weights.md)."""
SHOWN = 30


@dataclass(frozen=True)
class Collection:
    """What `camfuse init` knows.

    Attributes
    ----------
    rows
        The clip table.
    videos
        What was seen of the videos.
    computer
        This machine.
    split_given
        Whether a table says the split of each clip.
    """

    rows: pd.DataFrame
    videos: Videos
    computer: Computer
    split_given: bool = False

    @property
    def counts(self) -> Counts:
        """Clips by split, and words, as the recipe takes them."""
        splits = self.rows["split"].value_counts()
        return Counts(int(splits.get("train", 0)), int(splits.get("val", 0)), self.rows["label"].nunique())

    @property
    def decodable(self) -> pd.DataFrame:
        """The rows without those whose video is missing, or known to be broken; a run splits all of them."""
        lost = {one.clip_id for one in (*self.videos.missing, *self.videos.broken)}
        return self.rows[~self.rows["clip_id"].isin(lost)] if lost else self.rows

    @property
    def signers(self) -> int:
        """How many people sign; 0 where that is not known."""
        known = self.rows["signer"] != ""
        return self.rows["signer"].nunique() if known.all() else 0

    @property
    def shards(self) -> int:
        """Enough to keep the cores busy, and to lose little when one is interrupted."""
        clips = len(self.rows)
        return max(1, math.ceil(clips / SHARD_CLIPS), min(2 * self.computer.cores, clips // 10))


def videos_of_words(found: Collection) -> str:
    """Return how many videos (or parts of videos) and words there are, as ``8 videos of 2 words``."""
    clips, words = len(found.rows), found.counts.words
    one = "clip" if found.rows["video"].duplicated().any() else "video"  # several are parts of one video
    what = plural(clips, one, f"{one}s")
    return f"{clips} {what} of {words} {plural(words, 'word', 'words')}"


def word_counts(found: Collection) -> Iterator[str]:
    """Say how many clips each word has; of many words, those with the fewest and the most."""
    counts = found.rows["label"].value_counts(sort=False).sort_index()
    yield f"{videos_of_words(found)}, {counts.min()} to {counts.max()} each."
    if len(counts) <= SHOWN:
        yield "  " + ", ".join(f"{word} {count}" for word, count in counts.items())
    else:
        least = counts.sort_values(kind="stable").head(SHOWN)
        yield "  the fewest: " + ", ".join(f"{word} {count}" for word, count in least.items())
    alone = counts.index[counts == 1].tolist()
    if alone:
        have, them = (plural(len(alone), *words) for words in (("word has", "words have"), ("it", "them")))
        yield f"  {len(alone)} {have} a single video, which cannot train and test {them}: {name_some(alone)}."
    yield from _lost(found, counts)


def _lost(found: Collection, counts: "pd.Series[int]") -> Iterator[str]:
    """Say which words lack videos: they are split like the others, so that a word may lack training or test."""
    left = found.decodable["label"].value_counts()
    words = {word: (count - int(left.get(word, 0)), count) for word, count in counts.items()}
    named = [f"{word} {broken} of {count}" for word, (broken, count) in words.items() if broken]
    if named:
        number = len(found.rows) - len(found.decodable)
        what, them = plural(number, "video", "videos"), plural(number, "it", "them")
        why = [f"{plural(number, 'is', 'are')} missing"] if found.videos.missing else []
        why += ["cannot be decoded"] if found.videos.broken else []
        told = f"{number} {what} {' or '.join(why)}, and the split counts {them} all the same"
        yield f"  {told}: {name_some(named)}."
        yield f"  Take {them} out, and the split is made without {them}."


def expectations(found: Collection, resolved: Config) -> Iterator[str]:
    """Say what a run will do here, how long it takes and what its result will be worth.

    Parameters
    ----------
    found
        What there is.
    resolved
        The config with its recipe.
    """
    frames, cores = found.videos.frames, found.computer.cores
    on = f"{cores} {plural(cores, 'core', 'cores')}"
    yield f"Poses: {frames:,} frames by MediaPipe, about {_time(frames * POSE_SECONDS / cores)} on {on}, once."
    streams = resolved.model.streams
    yield f"Model: {' + '.join(streams)}{_why(streams)}."
    phase = resolved.train.sequence
    if streams == ("sequence",):
        steps = phase.epochs * math.ceil(phase.repeat * found.counts.train / phase.batch)
        yield f"Training: {steps:,} steps, about {_time(steps * STEP_SECONDS)} by what it took elsewhere."
    if found.split_given:
        splits = found.rows["split"].value_counts()
        counted = ", ".join(f"{splits.get(split, 0)} in {split}" for split in SPLITS)
        yield f"Split, as the table says: {counted}."
    yield from _test(found)
    kept_by_val = [part for part in resolved.model.parts if getattr(resolved.train, part).keep is None]
    if resolved.train.validation and kept_by_val:
        yield from _alone(found, "val", "on whom the best epoch is chosen")
    yield _hope(found)


def _test(found: Collection) -> Iterator[str]:
    rows = found.decodable
    words = {split: set(rows["label"][rows["split"] == split]) for split in ("train", "test")}
    test, every = int((rows["split"] == "test").sum()), sorted(set(found.rows["label"]), key=natural_order)
    if not test:
        yield "Test: no clip."
        return
    whom = f"; {_whom(found)}" if words["train"] else ""
    yield f"Test: {test} {plural(test, 'clip', 'clips')}, {100 / test:.1f} points each{whom}."
    yield from _alone(found, "test", "so that the result is that of one person")
    # of words that nobody in train signs the reader has told, where it made the split
    split = set(found.rows["label"][found.rows["split"] == "train"])
    for name, there in (("test", set(every)), ("train", set(every) if found.split_given else split)):
        if none := [word for word in every if word in there - words[name]]:
            yield f"  {without_clips(none, len(every), name)}"


def _alone(found: Collection, split: str, meaning: str) -> Iterator[str]:
    """Say if a split whose people are not in training is one person alone."""
    people = {name: set(rows["signer"]) for name, rows in found.rows.groupby("split")}
    own = people.get(split, set())
    if found.signers > 1 and len(own) == 1 and own.isdisjoint(people.get("train", ())):
        yield f"  All of {split} is by one person, {name_some([*own])}, {meaning}."


def _why(streams: tuple[Stream, ...]) -> str:
    return " (docs/recipe.md)" if streams == ("sequence",) else " (docs/recipe.md; `camfuse plan` says how long)"


def _whom(found: Collection) -> str:
    tested, trained = (found.rows[found.rows["split"] == split] for split in ("test", "train"))
    counts = count_signers(tested, trained)
    if counts.of_all() == "unseen":
        return "its signers are not in training"
    too = "in training too, so that it does not say how new people are recognised"
    if counts.of_all() == "unknown":
        return f"who signs is not known, and presumably the people of the test are {too}"
    if counts.unknown:
        return f"of {counts.unknown} of its clips nobody knows whether their people are in training too"
    if counts.unseen:
        seen = f"the people of {counts.seen} of its clips are in training too"
        return f"{seen}: only the others say how new people are recognised"
    return f"the people of the test are {too}"


def _hope(found: Collection) -> str:
    each = int((found.decodable["split"] == "train").sum()) / max(found.counts.words, 1)
    for least, measured in MEASURED:
        if each >= least:
            here = f"Here there are {each:.1f} training clips a word."
            return f"Measured elsewhere, no promise, on people whom training never saw: {measured}. {here}"
    return (
        f"With {each:.1f} training clips a word nothing has been measured; 3 or more of several people are a beginning."
    )


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
