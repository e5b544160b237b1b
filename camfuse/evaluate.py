"""The test: every clip sampled several times, probabilities averaged, one row per way of combining the streams.

Rows, in this order, as far as their checkpoints are given:

rgb, pose                                 each stream alone, from its own training
fused                                     the fused model: weighted mean of its heads' probabilities
late                                      mean of rgb and pose: what fusion without training reaches
fusion/rgb, fusion/pose, fusion/joint     the fused model's heads, one by one

Files: ``results.csv`` and ``results.json`` (the same rows; the JSON also says under what they were made),
``predictions.csv`` (a line per clip), ``probabilities.npz`` (all of it), ``confusion.csv`` (of the main row).
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from camfuse.clips.table import read_classes, read_clips
from camfuse.config import Config, Split
from camfuse.data.dataset import ClipDataset, Sample, single_threaded
from camfuse.errors import TableError, WeightsError
from camfuse.metrics import confusion_matrix, score, weighted_mean
from camfuse.model.recogniser import HEADS, Part, Recogniser
from camfuse.stage import atomic, fingerprint, write_text
from camfuse.train.checkpoint import Checkpoint, load_trained
from camfuse.train.engine import pick_device, set_tf32

log = logging.getLogger(__name__)
FUSED, LATE = "fused", "late"
ROWS = ("rgb", "pose", FUSED, LATE, "fusion/rgb", "fusion/pose", "fusion/joint")
MAIN = (FUSED, LATE, "pose", "rgb")
"""The row that speaks for the run: the first of these that there is."""
LISTED = 5
"""Classes per clip in predictions.csv."""
PARTS: tuple[Part, ...] = ("rgb", "pose", "fusion")


class Results(TypedDict):
    """What ``results.json`` holds.

    ``rows`` have the key ``row`` and the numbers of `camfuse.metrics.score`, all shares in 0..1; ``main`` names the
    row that ``confusion.csv`` and the top classes of ``predictions.csv`` belong to; ``checkpoints`` gives epoch,
    fingerprint and number of parameters of each part.
    """

    split: str
    samplings: int
    classes: int
    weights: list[float]
    main: str
    rows: list[dict[str, float | str]]
    checkpoints: dict[str, dict[str, int | str]]
    fingerprint: str
    seed: int


@dataclass(frozen=True)
class Predictions:
    """Probabilities of every clip.

    Attributes
    ----------
    clips
        Rows of the clip table.
    classes
        Label of each class index.
    labels
        (n,) int64.
    rows
        (n, C) float32 for each row of the result table, on the CPU.
    """

    clips: pd.DataFrame
    classes: tuple[str, ...]
    labels: Tensor
    rows: dict[str, Tensor]

    @property
    def main(self) -> str:
        """The row that speaks for the run."""
        return next(name for name in MAIN if name in self.rows)


def evaluate(
    config: Config,
    clips: Path,
    crops: Path,
    heatmaps: Path,
    checkpoints: Mapping[str, Path],
    output: Path,
    split: Split = "test",
) -> Results:
    """Test checkpoints on a split and write the result files.

    Parameters
    ----------
    config
        The run's config.
    clips
        Folder of ``clips.csv`` and ``classes.csv``.
    crops, heatmaps
        Folders of shards.
    checkpoints
        ``best.ckpt`` of each part that is there: keys rgb, pose, fusion.
    output
        Folder to write to.
    split
        Which clips; `val` is what weights may be chosen on.

    Raises
    ------
    TableError
        If the split has no clips.
    WeightsError
        If a checkpoint is missing, or was trained for other classes or under another config.
    ShardError
        If a shard is missing or stale.
    """
    classes = read_classes(clips / "classes.csv")
    trained = _load(config, checkpoints, classes)
    rows = read_clips(clips / "clips.csv")
    rows = rows[rows["split"] == split]
    if len(rows) == 0:
        raise TableError(clips / "clips.csv", [f"expected at least one clip of split `{split}`, found none"])
    part: Part = next(iter(trained)) if len(trained) == 1 else "fusion"
    dataset = ClipDataset(rows, crops, heatmaps, config, part=part, augment=False, samplings=config.evaluate.clips)
    predictions = predict(config, dataset, trained, classes)
    results = _results(config, predictions, trained, split)
    _write(predictions, results, output)
    log.info("%s of %s:\n%s", output, split, format_table(results))
    return results


def _load(config: Config, checkpoints: Mapping[str, Path], classes: Sequence[str]) -> dict[Part, Checkpoint]:
    if unknown := checkpoints.keys() - set(PARTS):
        raise WeightsError(f"expected checkpoints of {', '.join(PARTS)}, found {', '.join(sorted(unknown))}")
    if not checkpoints:
        raise WeightsError(f"expected a checkpoint of at least one of {', '.join(PARTS)}, found none")
    return {part: load_trained(checkpoints[part], part, config, classes) for part in PARTS if part in checkpoints}


# ------------------------------------------------------------------------------------------- predicting


def predict(
    config: Config, dataset: ClipDataset, trained: Mapping[Part, Checkpoint], classes: tuple[str, ...]
) -> Predictions:
    """Run all models over the clips in one pass, and combine their heads."""
    set_tf32(config)
    device = torch.device(pick_device(config))
    models = {part: checkpoint.recogniser().to(device) for part, checkpoint in trained.items()}
    heads: dict[tuple[Part, str], list[Tensor]] = {(p, head): [] for p in models for head in HEADS[p]}
    labels: list[Tensor] = []
    for batch in _batches(config, dataset, device):
        labels.append(batch["label"])
        for part, model in models.items():
            for head, probabilities in clip_probabilities(model, batch, device).items():
                heads[part, head].append(probabilities)
    rows = combine({key: torch.cat(parts) for key, parts in heads.items()}, config.evaluate.weights)
    return Predictions(dataset.clips, classes, torch.cat(labels), rows)


def _batches(config: Config, dataset: ClipDataset, device: torch.device) -> Iterator[Sample]:
    workers = config.machine.workers
    loader: DataLoader[Sample] = DataLoader(
        dataset,
        batch_size=config.evaluate.batch,
        num_workers=workers,
        worker_init_fn=single_threaded if workers else None,
        pin_memory=device.type == "cuda",
    )
    with tqdm(total=len(dataset), desc="evaluate", unit="clip", mininterval=1.0) as bar:
        for batch in loader:
            yield batch
            bar.update(len(batch["label"]))


@torch.inference_mode()
def clip_probabilities(model: Recogniser, batch: Sample, device: torch.device) -> dict[str, Tensor]:
    """Return each head's probabilities (B, C) on the CPU: the mean over the clip's V samplings.

    One sampling of all clips at a time, so that memory does not grow with V.
    """
    rgb = batch.get("rgb") if model.part != "pose" else None
    heatmaps = batch.get("heatmaps") if model.part != "rgb" else None
    given = [values for values in (rgb, heatmaps) if values is not None]
    samplings = given[0].shape[1]
    total: dict[str, Tensor] = {}
    for number in range(samplings):
        logits = model(*(None if v is None else v[:, number].to(device, non_blocking=True) for v in (rgb, heatmaps)))
        for head, values in logits.items():
            probabilities = values.float().softmax(1)
            total[head] = total[head] + probabilities if head in total else probabilities
    return {head: (values / samplings).cpu() for head, values in total.items()}


def combine(heads: Mapping[tuple[Part, str], Tensor], weights: Sequence[float]) -> dict[str, Tensor]:
    """Return the rows of the result table.

    Parameters
    ----------
    heads
        Probabilities (n, C) by (part, head).
    weights
        Of the fused model's heads rgb, pose, joint.
    """
    rows = {part: heads[part, part] for part in ("rgb", "pose") if (part, part) in heads}
    if len(rows) == 2:
        rows[LATE] = (rows["rgb"] + rows["pose"]) / 2
    fusion = {head: values for (part, head), values in heads.items() if part == "fusion"}
    if fusion:
        rows[FUSED] = weighted_mean({head: fusion[head] for head in HEADS["fusion"]}, weights)
        rows |= {f"fusion/{head}": values for head, values in fusion.items()}
    return {name: rows[name] for name in ROWS if name in rows}


# ------------------------------------------------------------------------------------------- results


def _results(config: Config, predictions: Predictions, trained: Mapping[Part, Checkpoint], split: str) -> Results:
    return Results(
        split=split,
        samplings=config.evaluate.clips,
        classes=len(predictions.classes),
        weights=list(config.evaluate.weights),
        main=predictions.main,
        rows=[
            {"row": name, **score(probabilities, predictions.labels, seed=config.seed)}
            for name, probabilities in predictions.rows.items()
        ],
        checkpoints={
            part: {"epoch": best.epoch, "fingerprint": best.fingerprint, "parameters": best.parameters}
            for part, best in trained.items()
        },
        fingerprint=fingerprint("evaluate", config),
        seed=config.seed,
    )


def _write(predictions: Predictions, results: Results, output: Path) -> None:
    write_text(output / "results.json", json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    _write_csv(pd.DataFrame(results["rows"]), output / "results.csv")
    _write_csv(prediction_table(predictions), output / "predictions.csv")
    counts = confusion_matrix(predictions.rows[predictions.main], predictions.labels).numpy()
    index = pd.Index(predictions.classes, name="label")
    write_text(
        output / "confusion.csv",
        pd.DataFrame(counts, index=index, columns=predictions.classes).to_csv(lineterminator="\n"),
    )
    arrays = {
        "clip_id": predictions.clips["clip_id"].to_numpy(str),
        "classes": np.array(predictions.classes, str),
        "label": predictions.labels.numpy(),
        **{name: values.numpy() for name, values in predictions.rows.items()},
    }
    with atomic(output / "probabilities.npz") as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


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
    top = predictions.rows[predictions.main].topk(min(LISTED, len(classes)), dim=1)
    for rank in range(top.values.shape[1]):
        columns[f"top{rank + 1}_label"] = classes[top.indices[:, rank].numpy()]
        columns[f"top{rank + 1}_probability"] = top.values[:, rank].numpy().round(6)
    return table.assign(**columns)


def format_table(results: Results) -> str:
    """Return the result table as text: percentages, top-1 with its 95 % interval."""
    ks = [key for key in results["rows"][0] if key.startswith("top") and key[3:].isdigit() and key != "top1"]
    head = ["", "top-1", "95 % interval", *(f"top-{key[3:]}" for key in ks), "per class", "ECE"]
    lines = [head]
    for row in results["rows"]:
        interval = f"{_percent(row['top1_low'])} - {_percent(row['top1_high'])}"
        shown = [_percent(row[key]) for key in (*ks, "mean_class_accuracy", "ece")]
        lines.append([str(row["row"]), _percent(row["top1"]), interval, *shown])
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    text = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    ]
    rule = "-" * len(text[0])
    count, classes = results["rows"][0]["n"], results["classes"]
    title = (
        f"{results['split']}: {count} clips of {classes} classes, {results['samplings']} sampling(s) per clip, percent"
    )
    return "\n".join([title, rule, text[0], rule, *text[1:], rule])


def _percent(share: float | str) -> str:
    return f"{100 * float(share):.2f}"
