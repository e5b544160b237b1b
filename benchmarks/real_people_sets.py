"""Real people as keypoints, and who is the test: protocols by signer only.

Videos go through the package's own stages (MediaPipe) once; their keypoints are kept in the working folder and shared
by all rows and seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from benchmarks import real_signing_sets
from camfuse.clips.sources import fingerspelling
from camfuse.clips.table import Clip
from camfuse.config import parse_config
from camfuse.config.estimators import MediapipePose
from camfuse.prep.frames import read_clip
from camfuse.prep.pose.annotations.recording import read_recording
from camfuse.prep.pose.holistic import to_wholebody
from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator
from camfuse.prep.pose.run import estimate_clip

Array = NDArray[np.float32]
Size = tuple[int, int]
"""Height and width in pixels."""
Fold = tuple[str, NDArray[np.int64], NDArray[np.int64]]
"""Name, and rows of training and test clips."""
CONFIGS = Path(__file__).parent.parent / "config"
QUALITY = 95
"""JPEG quality of the frames, as the stage `frames` has it."""


@dataclass(frozen=True)
class People:
    """Clips and their folds.

    Attributes
    ----------
    keypoints
        One (T, 133, 3) a clip: x, y in pixels, score; NaN, NaN, 0 where not seen.
    labels
        Class index of each clip.
    signers
        Of each clip.
    classes
        The words.
    folds
        Name, training clips and test clips of each.
    pictures
        The video of each clip, or the size of its image where there are keypoints only.
    """

    keypoints: list[Array]
    labels: NDArray[np.int64]
    signers: list[str]
    classes: tuple[str, ...]
    folds: tuple[Fold, ...]
    pictures: list[Path | Size]

    @property
    def has_videos(self) -> bool:
        """Whether there is a video of each clip."""
        return all(isinstance(picture, Path) for picture in self.pictures)


def people(
    keypoints: list[Array],
    labels: list[str],
    signers: list[str],
    test: dict[str, list[bool]],
    pictures: Sequence[Path | Size],
) -> People:
    """Return the clips with one fold for each of `test`, which says for every clip whether it is a test clip."""
    classes = tuple(sorted(set(labels)))
    rows = np.arange(len(labels))
    folds = tuple((name, rows[~np.array(held)], rows[np.array(held)]) for name, held in test.items())
    indices = np.array([classes.index(label) for label in labels])
    return People(keypoints, indices, signers, classes, folds, list(pictures))


def asl8(data: Path, work: Path) -> People:
    """Eight words, four groups of signers, each the test once."""

    def groups(rows: pd.DataFrame) -> dict[str, Any]:
        return {f"group {group}": rows["group8"] == group for group in _each(rows["group8"])}

    return _asl(data, work, "label8", _eight_words, groups)


def asl8_web(data: Path, work: Path) -> People:
    """Eight words, from web dictionaries to webcams."""
    return _asl(data, work, "label8", _eight_words, lambda rows: {"webcam": rows["source"] == "webcam"})


def asl24(data: Path, work: Path) -> People:
    """24 words by three signers on webcams, each the test once."""
    return _asl(data, work, "word", _webcams, _each_signer)


def asl24_one(data: Path, work: Path) -> People:
    """24 words, each of the three signers the only one in training: to choose by."""
    return _asl(data, work, "word", _webcams, lambda rows: {one: ~held for one, held in _each_signer(rows).items()})


def _eight_words(table: pd.DataFrame) -> pd.Series:
    return table["label8"] != ""


def _each_signer(rows: pd.DataFrame) -> dict[str, Any]:
    return {signer: rows["signer"] == signer for signer in _each(rows["signer"])}


def _webcams(table: pd.DataFrame) -> pd.Series:
    return table["source"] == "webcam"


def _asl(
    data: Path,
    work: Path,
    label: str,
    used: Callable[[pd.DataFrame], pd.Series],
    test: Callable[[pd.DataFrame], dict[str, Any]],
) -> People:
    folder = data / "clips" / "asl"
    table = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    rows = table[used(table)].reset_index(drop=True)
    videos = [folder / video for video in rows["video"]]
    keypoints = keypoints_of(videos, work / "poses" / "asl")
    held = {name: tested.tolist() for name, tested in test(rows).items()}
    return people(keypoints, rows[label].tolist(), rows["signer"].tolist(), held, videos)


def _each(column: pd.Series) -> list[str]:
    return sorted(set(column))


def keypoints_of(videos: list[Path], cache: Path) -> list[Array]:
    """Return MediaPipe's keypoints of each video; what is in the cache is not estimated again."""
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    with MediapipeEstimator(MediapipePose()) as estimator:
        for video in videos:
            stored = cache / f"{video.stem}.npy"
            if not stored.exists():
                clip = Clip(video.stem, video, 0.0, float("inf"), None, "0")
                np.save(stored, estimate_clip(estimator, clip, read_clip(clip, QUALITY)).keypoints)
            found.append(np.load(stored))
    return found


def keypoint_set(name: str) -> Callable[[Path, Path], People]:
    """Return the reader of one of the sets that exist as keypoints only, as `real_signing` has it."""

    def read(data: Path, _work: Path) -> People:
        clips = real_signing_sets.READERS[name](data / "keypoints")
        official = name in ("adrlfv", "wlasl")
        folds = (real_signing_sets.official_fold if official else real_signing_sets.signer_folds)(clips)
        test = {fold.name: [clip.clip_id in fold.test for clip in clips] for fold in folds}
        labels, signers = [clip.label for clip in clips], [clip.signer for clip in clips]
        sizes = [(clip.height, clip.width) for clip in clips]
        return people([clip.keypoints for clip in clips], labels, signers, test, sizes)

    return read


def letters(config: str, parts: int) -> Callable[[Path, Path], People]:
    """Return the reader of a shipped config's letters: its own test languages, or `parts` folds of languages."""

    def read(_data: Path, _work: Path) -> People:
        values = yaml.safe_load((CONFIGS / config).read_text(encoding="utf-8"))
        source = parse_config(values, config).clips.fingerspelling
        assert source is not None
        rows = fingerspelling.read(source).rows
        kept = ~rows["source"].map(lambda path: Path(path).read_bytes()).duplicated()
        rows = rows[kept].reset_index(drop=True)
        languages = rows["signer"].tolist()
        if parts:
            groups = [sorted(set(languages))[number::parts] for number in range(parts)]
            test = {"-".join(group): [language in group for language in languages] for group in groups}
        else:
            test = {"test": (rows["split"] == "test").tolist()}
        clips, sizes = zip(*[_recorded(row) for row in rows.to_dict("records")], strict=True)
        return people(list(clips), rows["label"].tolist(), languages, test, sizes)

    return read


def _recorded(row: dict[str, object]) -> tuple[Array, Size]:
    recording = read_recording(Path(str(row["annotation"])), str(row["clip_id"]))
    found = to_wholebody(recording.body, recording.face, recording.left, recording.right)
    middle = (np.arange(len(found)) + 0.5) / recording.fps
    inside = (middle >= float(str(row["start"]))) & ~(middle >= float(str(row["end"])))
    return found[inside], (recording.height, recording.width)


@dataclass(frozen=True)
class PeopleSet:
    """One set of clips.

    Attributes
    ----------
    title
        In the table.
    read
        From the folder of the data and the working folder to the clips.
    signs
        Which recipe the streams on images and heatmaps have: `words`, that of `recipe: auto`, or `hands`, that of
        `real_signing_hands.yaml`, for signs that are all in the hand.
    views
        How often these streams see each training clip of signs that are all in the hand.
    """

    title: str
    read: Callable[[Path, Path], People]
    signs: Literal["hands", "words"]
    views: int = 0


INNER = {"asl24": "asl24one"}
"""Of a set, the one whose folds train on one of its training signers each: to choose by."""
SETS: dict[str, PeopleSet] = {
    "asl8": PeopleSet("`asl8`: 8 words, four groups of unseen signers", asl8, "words"),
    "asl8web": PeopleSet("`asl8`, web to webcam", asl8_web, "words"),
    "asl24": PeopleSet("`asl24`: 24 words, each of three signers left out", asl24, "words"),
    "asl24one": PeopleSet("`asl24`, trained on one signer each: to choose by", asl24_one, "words"),
    "demo": PeopleSet("demo: 8 letters, its own test languages", letters("demo.yaml", 0), "hands", 64),
    "demo4": PeopleSet("demo: 8 letters, 16 languages in 4 folds", letters("demo.yaml", 4), "hands", 64),
    "letters": PeopleSet("26 letters, 4 languages left out", letters("fingerspelling.yaml", 0), "hands", 48),
    "adrlfv": PeopleSet("AdrLfv: 15 words, its own test clips (same signer)", keypoint_set("adrlfv"), "words"),
    "holistic": PeopleSet("3 words, each of 7 persons left out", keypoint_set("holistic"), "words"),
    "wlasl": PeopleSet("WLASL: 10 words, body only, official test", keypoint_set("wlasl"), "words"),
    "nepali": PeopleSet("Nepali: 49 letters, each of 6 signers left out", keypoint_set("nepali"), "hands", 64),
}
