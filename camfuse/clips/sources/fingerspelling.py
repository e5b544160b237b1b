"""Letters from the fingerspelling lexicon inside the PyPI wheel ``spoken-to-signed``: the demo's data.

The wheel (MIT) carries `.pose` files of real recordings, one signer per signed language. There is no video; the
stage `avatars` draws one from each recording. ``index.csv`` has one row per language and word (``path,
spoken_language, signed_language, start, end, words, glosses, priority``); two languages may share a file.
"""

import importlib.resources
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from camfuse.clips.labels import make_table
from camfuse.clips.sources.entry import SourceEntry
from camfuse.clips.table import ClipTable
from camfuse.config.sources import FingerspellingSource, LanguageSplits
from camfuse.entries import POSE_FORMAT, Package
from camfuse.errors import MissingToolError, TableError

WHEEL = "spoken-to-signed==0.4.0"
PACKAGES = (Package("spoken_to_signed", f"pip install {WHEEL}"), POSE_FORMAT)
INDEX_COLUMNS = ("path", "signed_language", "words")
SPLIT_ORDER = ("test", "val", "train")
"""Of recordings that two languages share, the duplicate check keeps the first: no test signer stays in train."""


def read(source: FingerspellingSource) -> ClipTable:
    """Read the letters of the signed languages, split by language.

    Parameters
    ----------
    source
        The letters and languages to take.

    Returns
    -------
    table
        Clips such as ``ase_C``: label = letter, signer = language, annotation = source = the `.pose` file. There are no
        videos: `camfuse.clips.refresh` says where the stage `avatars` will draw them.

    Raises
    ------
    MissingToolError
        If the wheel is not installed.
    TableError
        If a letter or language is listed twice or is not in the lexicon at all.
    """
    folder = lexicon()
    index = _read_index(folder)
    _check_lists(source, index, folder / "index.csv")
    recordings = index.drop_duplicates(["signed_language", "words"]).set_index(["signed_language", "words"])["path"]
    rows, absent = [], []
    for split in SPLIT_ORDER:
        for language in getattr(source.languages, split):
            for letter in source.letters:
                if (language, letter) in recordings.index:
                    recording = folder / recordings[language, letter]
                    clip_id = f"{language}_{letter}"
                    rows.append(_row(clip_id, split, recording) | _segment(recording, source.trim))
                else:
                    absent.append(f"{language} {letter}")
    notes = (f"The lexicon has no recording of {', '.join(absent)}.",) if absent else ()
    table = make_table(pd.DataFrame(rows), folder / "index.csv", classes=source.letters, notes=notes)
    return replace(table, installed=folder)


def lexicon() -> Path:
    """Return the lexicon's folder inside the installed wheel.

    Raises
    ------
    MissingToolError
        If the wheel is not installed or carries no lexicon.
    """
    try:
        package = importlib.resources.files("spoken_to_signed")
    except ModuleNotFoundError as error:
        raise MissingToolError(
            f"clips.fingerspelling needs the recordings of a PyPI package: pip install {WHEEL}"
        ) from error
    folder = Path(str(package)) / "assets" / "fingerspelling_lexicon"
    if not (folder / "index.csv").is_file():
        raise MissingToolError(f"{folder}: expected index.csv, found none: pip install {WHEEL}")
    return folder


def _read_index(folder: Path) -> pd.DataFrame:
    path = folder / "index.csv"
    index = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [column for column in INDEX_COLUMNS if column not in index]
    if missing:
        raise TableError(path, [f"expected column `{column}`, found {list(index)}" for column in missing])
    return index


def _check_lists(source: FingerspellingSource, index: pd.DataFrame, path: Path) -> None:
    languages = list(chain(*(getattr(source.languages, split) for split in LanguageSplits.model_fields)))
    known = {"letter": set(index["words"]), "language": set(index["signed_language"])}
    problems = []
    for kind, listed in (("letter", list(source.letters)), ("language", languages)):
        problems += [f"{kind} {name}: expected once, found it {listed.count(name)} times" for name in _repeated(listed)]
        problems += [f"{kind} {name}: not in the lexicon" for name in listed if name not in known[kind]]
    if problems:
        raise TableError(path, problems)


def _repeated(names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _row(clip_id: str, split: str, recording: Path) -> dict[str, object]:
    language, letter = clip_id.split("_")
    return {
        "clip_id": clip_id,
        "video": str(recording),
        "label": letter,
        "signer": language,
        "split": split,
        "annotation": str(recording),
        "source": str(recording),
    }


def _segment(recording: Path, trim: float) -> dict[str, float]:
    """Return start and end, in seconds, of the part that is left after trimming (the index's own times are not its)."""
    if trim == 0:
        return {"start": 0.0, "end": np.nan}
    from pose_format import Pose

    body = Pose.read(recording.read_bytes()).body
    seconds = len(body.data) / body.fps
    return {"start": round(trim * seconds, 6), "end": round((1 - trim) * seconds, 6)}


ENTRY = SourceEntry(FingerspellingSource, read, packages=PACKAGES, drawn=True, signers_apart=True)
