"""Public keypoint sets as COCO-WholeBody keypoints, and how each is split; no set has video.

What a set's points are and where they come from is said by the SOURCE.md beside them. Points of no keypoint among the
133 are left out; a hand that was not seen is all zero there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from camfuse.clips.table import COLUMNS
from camfuse.prep.pose.holistic import to_wholebody
from camfuse.skeleton import FACE

Array = NDArray[np.float32]
SHARD = "0000"
PALM = 0.1
"""Length of a palm where the set does not say it, as a share of the image."""


@dataclass(frozen=True)
class SetClip:
    """A clip of a set: keypoints (T, 133, 3) in pixels of an image of width x height."""

    clip_id: str
    label: str
    signer: str
    split: str
    keypoints: Array
    width: int
    height: int


@dataclass(frozen=True)
class Fold:
    """One training and its test clips; every other clip of the set is for training, unless it is left out."""

    name: str
    test: frozenset[str]
    left_out: frozenset[str] = frozenset()


def arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of a file, each once: every look into `np.load`'s answer would unpack anew."""
    with np.load(path) as stored:
        return dict(stored)


def landmarks(points: NDArray[np.floating], width: float, height: float) -> Array:
    """Turn x, y (, z) (, score) of the image's size into x, y, score in pixels; a part that is all zero is not seen.

    Parameters
    ----------
    points
        (T, N, 2 to 4): x, y as shares of width and height; with four columns the last is the score.
    width, height
        In pixels.
    """
    values = points.astype(np.float32)
    seen = (values != 0).any(axis=(1, 2))
    score = values[..., 3].clip(0.01, 1) if values.shape[2] == 4 else np.ones(values.shape[:2], np.float32)
    place = values[..., :2] * np.array([width, height], np.float32) - 0.5
    return np.concatenate([place, (score * seen[:, None])[..., None]], axis=-1).astype(np.float32)


def adrlfv(data: Path) -> list[SetClip]:
    """15 words of one signer: 33 body points, hands, chin and cheeks, in pixels of 448 x 480.

    The set's 16th word, ``empty``, is an image without a signer: 49 of its 50 clips have no keypoint at all.
    """
    stored = arrays(data / "adrlfv_16words" / "data.npz")
    width, height = 448, 480
    clips = []
    for number in np.flatnonzero(stored["label"] != "empty").tolist():
        flat = stored["x"][number]
        points = flat.astype(np.float32).reshape(-1, 79, 2) / np.array([width, height], np.float32)
        face, body, left, right = (
            landmarks(points[:, part], width, height)
            for part in (slice(0, 4), slice(4, 37), slice(37, 58), slice(58, 79))
        )
        keypoints = to_wholebody(body, None, left, right)
        for source, offset in ((1, 8), (2, 0), (3, 16)):  # chin and the jaw's two ends; the forehead is no keypoint
            there = face[:, source, 2] > 0
            keypoints[there, FACE[offset]] = face[there, source]
        split = {"Train": "train", "Valid": "val", "Test": "test"}[str(stored["split"][number])]
        label = str(stored["label"][number])
        clips.append(SetClip(f"adrlfv_{number:03d}", label, "1", split, keypoints, width, height))
    return clips


def holistic(data: Path) -> list[SetClip]:
    """Hello, thanks and iloveyou by seven persons: MediaPipe Holistic, one webcam each."""
    width, height, words = 640, 480, ("hello", "thanks", "iloveyou")
    clips = []
    for path in sorted((data / "mp_holistic_multisigner").glob("*.npz")):
        stored = arrays(path)
        for number in np.flatnonzero(np.isin(stored["label"], words)).tolist():
            body, left, right, face = (
                landmarks(stored[part][number], width, height) for part in ("pose", "lh", "rh", "face68")
            )
            keypoints = to_wholebody(body, None, left, right)
            seen = face[:, 0, 2] > 0
            keypoints[np.ix_(seen, FACE)] = face[seen]
            name, label = f"{path.stem}_{number:03d}", str(stored["label"][number])
            clips.append(SetClip(name, label, path.stem, "train", keypoints, width, height))
    return clips


def wlasl(data: Path) -> list[SetClip]:
    """The ten words of WLASL with the most clips at hand: body points only, the official split."""
    folder = data / "wlasl_pose33"
    index = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    words = index["gloss"].value_counts().index[:10]
    stored = arrays(folder / "data.npz")
    clips = []
    for row in index[index["gloss"].isin(words)].to_dict("records"):
        body = landmarks(stored[row["clip"]].reshape(-1, 33, 4), 640, 480)
        keypoints = to_wholebody(body, None, None, None)
        clips.append(SetClip(row["clip"], row["gloss"], row["signer_id"], row["split"], keypoints, 640, 480))
    return clips


def nepali(data: Path) -> list[SetClip]:
    """49 letters by six signers. The set has lost where the hands are: here each has a fixed place, side by side.

    In the file the body is centred on the shoulders, each hand on its root and scaled to a palm of 1.
    """
    folder = data / "nepali_fingerspelling"
    index = pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False)
    stored = arrays(folder / "data.npz")
    clips = []
    for row in index.to_dict("records"):
        flat, width, height = stored[row["clip"]].astype(np.float32), int(row["w"]), int(row["h"])
        body = flat[:, :132].reshape(-1, 33, 4)
        hands = []
        for first, place in ((132, (0.65, 0.6)), (195, (0.35, 0.6))):  # the signer's left is on the image's right
            hand = flat[:, first : first + 63].reshape(-1, 21, 3)
            seen = (hand != 0).any(axis=(1, 2))
            placed = np.where(seen[:, None, None], hand[..., :2] * PALM + np.array(place, np.float32), 0)
            hands.append(landmarks(placed, width, height))
        body[..., :2] += 0.5
        keypoints = to_wholebody(landmarks(body, width, height), None, *hands)
        clips.append(SetClip(row["clip"], row["label"], row["signer"], "train", keypoints, width, height))
    return clips


def clip_table(rows: Iterable[tuple[str, str, str, str]], classes: Sequence[str] = ()) -> pd.DataFrame:
    """Return the clip table of clips without video, all for training and in one shard.

    Parameters
    ----------
    rows
        Clip id, label, signer and annotation of each.
    classes
        All labels, in the order of their numbers; left out, those of the rows by the alphabet.
    """
    table = pd.DataFrame(rows, columns=["clip_id", "label", "signer", "annotation"])
    table = table.assign(video="none", split="train", start=0.0, end=np.nan, source="none", shard=SHARD)
    table = table.assign(identity=table["clip_id"])
    index = {label: number for number, label in enumerate(classes or sorted(set(table["label"])))}
    return table[[*COLUMNS, "shard", "identity"]].assign(class_index=table["label"].map(index))


READERS: dict[str, Callable[[Path], list[SetClip]]] = {
    "adrlfv": adrlfv,
    "holistic": holistic,
    "wlasl": wlasl,
    "nepali": nepali,
}


def official_fold(clips: list[SetClip]) -> Iterator[Fold]:
    """Yield the set's own test clips; what it has for validation is trained on."""
    yield Fold("test", frozenset(clip.clip_id for clip in clips if clip.split == "test"))


def signer_folds(clips: list[SetClip]) -> Iterator[Fold]:
    """Yield one fold for each signer, who is left out of training."""
    for signer in sorted({clip.signer for clip in clips}):
        yield Fold(signer, frozenset(clip.clip_id for clip in clips if clip.signer == signer))
