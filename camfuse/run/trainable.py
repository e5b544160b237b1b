"""What the clip table and the config tell of a training and a test that would fail, before a frame is decoded."""

from collections.abc import Iterable

import pandas as pd

from camfuse.clips.label_files import name_some
from camfuse.clips.table import split_unknown
from camfuse.config import Config
from camfuse.errors import TableError
from camfuse.run.experiments import Plan
from camfuse.run.layout import Run


def check_trainable(run: Run) -> None:
    """Refuse a clip table that the run's trainings, or its test, could do nothing with.

    Raises
    ------
    TableError
        Naming all that is wrong, of the main run and of the config's experiments.
    """
    if problems := training_problems(run.config, run.clips(), run.classes()):
        raise TableError(run.clip_files.clips, problems)


def training_problems(config: Config, rows: pd.DataFrame, classes: Iterable[str]) -> list[str]:
    """Say what keeps these clips from being trained and tested; empty where nothing does.

    Parameters
    ----------
    config
        The run's config.
    rows
        The clip table: label and split of each clip.
    classes
        Label of each class index.
    """
    words = tuple(classes)
    found = _problems(config, rows, words)
    for experiment in Plan(config).experiments:
        own = [one for one in _problems(experiment.config, rows, words) if one not in found]
        found += [f"experiment {experiment.name}: {one}" for one in own]
    return found


def _problems(config: Config, rows: pd.DataFrame, classes: tuple[str, ...]) -> list[str]:
    problems = []
    strange = config.train.unknown_words or ()
    if no_labels := sorted(set(strange) - set(classes)):
        problems.append(f"train.unknown_words: expected labels of the clip table, found {name_some(no_labels)}")
    known, _ = split_unknown(rows, strange)
    words = {split: set(part["label"]) for split, part in known.groupby("split")}
    trained = sorted(words.get("train", ()))
    if not trained:
        problems.append("expected at least one clip of split `train`, found none")
    elif len(trained) < 2:
        problems.append(f"expected training clips of at least two words to tell apart, found those of {trained[0]!r}")
    if not words.get("test"):
        problems.append(
            "expected at least one clip of split `test`, found none: record more clips, or name their split in a table"
        )
    elif trained and words["test"].isdisjoint(trained):
        problems.append("expected a test clip of a word that is trained, found none")
    if config.evaluate.chooses_weights and len(config.model.streams) > 1 and not words.get("val"):
        problems.append(f"evaluate.weights: `{config.evaluate.weights}` chooses on val, and no clip is of split `val`")
    return problems
