"""The tested clips that a model is furthest from recognising: their contact sheets, and a page that lists them."""

import logging
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from tqdm import tqdm

from camfuse.errors import CamfuseError, ConfigError, TableError
from camfuse.evaluate.results import Results, read_results, warn_of_another
from camfuse.evaluate.rows import TITLES
from camfuse.files import atomic, write_text
from camfuse.jpeg import encode_jpeg
from camfuse.run.layout import Run
from camfuse.show.clip_images import COLUMNS, ClipImages
from camfuse.show.clip_view import view_stored

log = logging.getLogger(__name__)

INDEX, SUFFIX = "index.html", ".jpg"
QUALITY = 88
"""Of the sheets; as PNG a sheet takes 6 seconds and 2 MB."""
LEAST = 1e-12
"""A smaller probability counts as this."""


@dataclass(frozen=True)
class Worst:
    """A tested clip.

    Attributes
    ----------
    clip_id, label, predicted
        The clip, its word, and the word that it was taken for.
    sure, of_label
        Probability of that word, and of its own.
    loss
        Negative logarithm of `of_label`.
    """

    clip_id: str
    label: str
    predicted: str
    sure: float
    of_label: float
    loss: float

    @property
    def right(self) -> bool:
        """Whether it was recognised all the same."""
        return self.label == self.predicted


def find_worst(run: Run, count: int) -> list[Worst]:
    """Return the tested clips of the highest loss, the highest first, by the row that speaks for the run.

    Raises
    ------
    TableError
        If the run has not been tested, or its files are damaged.
    """
    return _worst(run, _tested(run), count)


def _tested(run: Run) -> Results:
    results, path = read_results(run.evaluation), run.evaluation.probabilities
    if results is None or not path.is_file():
        raise TableError(path, ["expected the probabilities of a finished test, found none; run the workflow first"])
    warn_of_another(run, results)
    return results


def _worst(run: Run, results: Results, count: int) -> list[Worst]:
    path = run.evaluation.probabilities
    try:
        with np.load(path, allow_pickle=False) as found:
            clip_ids, classes, labels, rows = (found[name] for name in ("clip_id", "classes", "label", results.main))
        of_label = rows[np.arange(len(labels)), labels].astype(float)
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise TableError(path, [f"expected clip_id, classes, label and {results.main}; found: {error!r}"]) from error
    losses = -np.log(np.maximum(of_label, LEAST))
    order = sorted(range(len(losses)), key=lambda one: (-losses[one], str(clip_ids[one])))[:count]
    return [
        Worst(
            clip_id=str(clip_ids[one]),
            label=str(classes[labels[one]]),
            predicted=str(classes[rows[one].argmax()]),
            sure=float(rows[one].max()),
            of_label=float(of_label[one]),
            loss=float(losses[one]),
        )
        for one in order
    ]


def show_worst(run: Run, count: int, folder: Path, columns: int = COLUMNS) -> Path:
    """Draw the worst tested clips as contact sheets and write a page that lists them.

    Parameters
    ----------
    run
        A tested run; its shards are read.
    count
        How many clips.
    folder
        Where ``001.jpg`` ... and the page go; what a longer list left there is removed.
    columns
        Frames on a contact sheet.

    Returns
    -------
    page
        ``index.html`` in there.

    Raises
    ------
    ConfigError
        If `folder` is a file, or holds what this command did not write.
    TableError
        If the run has not been tested, or its files are damaged.
    ShardError
        If a shard is missing or was made with another config.
    """
    results = _tested(run)
    worst = _worst(run, results, count)
    _clear(folder)
    drawn = []
    for number, one in enumerate(tqdm(worst, desc="draw clips", unit="clip", mininterval=1.0), start=1):
        try:
            sheet = ClipImages(view_stored(run, one.clip_id), run.config).sheet(columns)
            name = f"{number:03d}{SUFFIX}"
            with atomic(folder / name) as part:
                part.write_bytes(encode_jpeg(sheet, QUALITY))
            drawn.append((one, name, ""))
        except CamfuseError as error:  # a clip that cannot be drawn any more is still listed
            drawn.append((one, "", str(error)))
    row = TITLES.get(results.main, results.main)
    write_text(folder / INDEX, _page(run.config.report.title, f"{row}, {results.split}", drawn))
    log.info("%s: %d clips", folder / INDEX, len(drawn))
    return folder / INDEX


def _clear(folder: Path) -> None:
    """Take away the sheets of an earlier call; a folder with anything else is not ours to write to."""
    if folder.is_file():
        raise ConfigError(f"--output: expected a folder for the clips, found the file {folder}")
    there = list(folder.iterdir()) if folder.is_dir() else []
    foreign = [one.name for one in there if one.name != INDEX and not (one.suffix == SUFFIX and one.stem.isdigit())]
    if foreign:
        raise ConfigError(f"--output: expected a new folder or one of this command's, found {foreign[0]} in {folder}")
    for one in there:
        one.unlink()


def _page(title: str, what: str, drawn: list[tuple[Worst, str, str]]) -> str:
    loader = PackageLoader("camfuse.show", package_path="")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template("worst.html").render(title=title, what=what, drawn=drawn)
