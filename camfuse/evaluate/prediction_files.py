"""Predictions as files: CSV to read, NPZ and JSON to compute with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from camfuse.errors import ConfigError
from camfuse.evaluate.results import Results, as_json
from camfuse.files import atomic, write_text
from camfuse.metrics import confusion_matrix
from camfuse.run.layout import EvaluationFiles

LISTED = 5
"""Classes per clip in a table."""
SUFFIXES = (".csv", ".json", ".npz")


@dataclass(frozen=True)
class Predictions:
    """Probabilities of every clip.

    Attributes
    ----------
    clips
        n rows of the clip table.
    classes
        Label of each class index.
    labels
        (n,) int64.
    rows
        (n, C) float32 for each row of the result table, on the CPU.
    main
        The row that speaks for the run.
    """

    clips: pd.DataFrame
    classes: tuple[str, ...]
    labels: Tensor
    rows: Mapping[str, Tensor]
    main: str


def write_all(predictions: Predictions, files: EvaluationFiles) -> None:
    """Write the files of `camfuse.evaluate.run` that name single clips or classes."""
    write_text(files.predictions, _csv(prediction_table(predictions)))
    write_text(files.confusion, confusion_table(predictions).to_csv(lineterminator="\n"))
    write_npz(predictions, files.probabilities)


def check_suffix(path: Path) -> None:
    """Refuse a name whose form is not known, before anything is computed.

    Raises
    ------
    ConfigError
        If the name ends in none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}, found {path.suffix!r}")


def write_predictions(predictions: Predictions, results: Results, path: Path) -> None:
    """Write one file, in the form that its name says.

    Parameters
    ----------
    predictions
        What to write.
    results
        Of the same test: the JSON has them too, as ``results.json`` holds them.
    path
        ``.csv``: a line per clip with its most probable classes; ``.npz``: all probabilities; ``.json``: the results,
        and the lines of the CSV under ``predictions``.

    Raises
    ------
    ConfigError
        If the name ends otherwise.
    """
    check_suffix(path)
    table = prediction_table(predictions)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        write_text(path, _csv(table))
    elif suffix == ".json":
        write_text(path, as_json(results.content() | {"predictions": table.to_dict("records")}))
    else:
        write_npz(predictions, path)


def write_npz(predictions: Predictions, path: Path) -> None:
    """Write clip_id (n,), classes (C,), label (n,) and the probabilities (n, C) of each row under its name."""
    arrays = {
        "clip_id": predictions.clips["clip_id"].to_numpy(str),
        "classes": np.array(predictions.classes, str),
        "label": predictions.labels.numpy(),
        **{name: values.numpy() for name, values in predictions.rows.items()},
    }
    with atomic(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def prediction_table(predictions: Predictions) -> pd.DataFrame:
    """Return one line per clip.

    Columns: clip_id, label, signer; ``{row}_label`` and ``{row}_probability`` of the most probable class of each row
    of the result table; ``top1_label``, ``top1_probability`` ... up to the fifth class of the main row.
    """
    classes = np.array(predictions.classes, object)
    table = predictions.clips[["clip_id", "label", "signer"]].reset_index(drop=True)
    columns: dict[str, object] = {}
    for name, probabilities in predictions.rows.items():
        best = probabilities.max(1)
        columns[f"{name}_label"] = classes[best.indices.numpy()]
        columns[f"{name}_probability"] = best.values.numpy().round(6)
    main = predictions.rows[predictions.main]
    top = main.argsort(dim=1, descending=True, stable=True)[:, :LISTED]  # of equal ones the first, as above
    for rank, (of, values) in enumerate(zip(top.T.numpy(), main.gather(1, top).T.numpy(), strict=True), start=1):
        columns[f"top{rank}_label"] = classes[of]
        columns[f"top{rank}_probability"] = values.round(6)
    return table.assign(**columns)


def confusion_table(predictions: Predictions) -> pd.DataFrame:
    """Return how often each class (row) was taken for each (column), by the main row."""
    counts = confusion_matrix(predictions.rows[predictions.main], predictions.labels).numpy()
    return pd.DataFrame(counts, index=pd.Index(predictions.classes, name="label"), columns=predictions.classes)


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))
