"""The curves of the trainings, and what a training said of itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from camfuse.config import Part
from camfuse.errors import TableError
from camfuse.report.plots import Line, line_chart
from camfuse.report.tables import Chart, check_fingerprint, duration, read_csv, read_json
from camfuse.run.layout import Run

WORTH_SAYING = 0.1
"""Share of a training's time in which its device waited for clips."""
PARTS: dict[Part, str] = {
    "rgb": "RGB stream",
    "pose": "Pose stream",
    "sequence": "Sequence stream",
    "fusion": "The streams, fused",
}
CURVES = ("epoch", "split", "head", "loss", "top1")


@dataclass(frozen=True)
class Curves:
    """The curves of one part of the training, and its clips per second (0 while that is not known)."""

    name: str
    note: str
    speed: float
    charts: Sequence[Chart]


def read_curves(run: Run, part: Part) -> Curves | None:
    """Read and draw the curves of one part; None where it has not been trained.

    Raises
    ------
    TableError
        If curves.csv or summary.json is damaged, or the training was one of another config.
    """
    files = run.training(part)
    path = files.curves
    rows = read_csv(path, CURVES, ("split", "head"))
    if rows is None:
        return None
    if rows.empty:
        raise TableError(path, ["expected at least one epoch, found none"])
    head = "fused" if "fused" in set(rows["head"]) else str(rows["head"].iloc[-1])
    shown = rows[rows["head"] == head]
    note, best, speed = _describe_training(files.summary, rows, run.fingerprint(f"train_{part}"))
    charts = [_curve_chart(shown, part, "loss", best, top=None), _curve_chart(shown, part, "top1", best, top=1.0)]
    return Curves(PARTS[part], note, speed, charts)


def _describe_training(path: Path, rows: pd.DataFrame, fingerprint: str) -> tuple[str, float | None, float]:
    """Say how long and on what was trained; return that, the best epoch once there is one, and clips per second."""
    epochs = f"{rows['epoch'].max():g} epochs"
    summary = read_json(path)
    if summary is None:
        return f"{epochs} until now; the training is not finished.", None, 0.0
    try:
        check_fingerprint(path, expected=fingerprint, found=str(summary["fingerprint"]))
        best, rule, clips = float(summary["best_epoch"]), summary["selection"], summary["clips"]
        speed, waited = float(summary["clips_per_second"]), float(summary.get("waited", 0))
        lost = sum(summary.get("left_out", {}).values())  # summaries of earlier versions do not say
        without = f" ({lost:,} more were left out by a stage)" if lost else ""
        precision = summary.get("precision", "32-true")
        device = summary["device"] if precision == "32-true" else f"{summary['device']} in {precision}"
        waiting = f", {waited:.0%} of the time waiting for them" if waited >= WORTH_SAYING else ""
        return (
            f"{epochs} on {clips['train']:,} training and {clips['val']:,} validation clips{without}, "
            f"{summary['parameters'] / 1e6:.2f} M parameters, {duration(summary['seconds'])} on {device} "
            f"({speed:.3g} clips/s{waiting}). Kept: epoch {best:g} ({rule}).",
            best,
            speed,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(path, [f"expected a training's summary, found otherwise: {error!r}"]) from error


def _curve_chart(rows: pd.DataFrame, part: Part, quantity: str, best: float | None, top: float | None) -> Chart:
    name = {"loss": "Loss", "top1": "Top-1 accuracy"}[quantity]
    of = {split: rows[rows["split"] == split] for split in ("train", "val")}
    lines = [Line(split, r["epoch"].tolist(), r[quantity].tolist()) for split, r in of.items() if len(r)]
    drawing = line_chart(
        lines,
        title=f"{PARTS[part]}: {name.lower()} of {' and '.join(line.name for line in lines)} by epoch",
        x_label="epoch",
        y_label=name.lower(),
        best=best,
        top=top,
    )
    return Chart(drawing, name)
