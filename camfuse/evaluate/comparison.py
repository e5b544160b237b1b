"""The tables over several runs: experiments side by side, and the ablation with its spread over seeds."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from camfuse.config import STREAMS, Config
from camfuse.errors import ConfigError, TableError
from camfuse.evaluate.results import Results, read_results
from camfuse.evaluate.rows import COMPARED, FUSED, LATE
from camfuse.files import write_text
from camfuse.run.experiments import Experiment, Plan

log = logging.getLogger(__name__)
NUMBERS = ("top1", "top5", "mean_class_accuracy")
"""What the ablation averages over seeds; all shares of 1."""
SPREAD = ("mean", "std", "min", "max")
"""Standard deviation with n - 1; empty for a single seed."""


def compare_experiments(config: Config, output: Path) -> pd.DataFrame:
    """Write one line per run and row of its result table, the main run's first.

    Columns: experiment (``main`` or its name), changes (what it changes of the main run), row, then all numbers of
    ``evaluate/results.csv`` over the tested clips (all runs miss the same ones), and the folders of its results and of
    its trainings, relative to the output folder.

    Parameters
    ----------
    config
        The main run's config, with its experiments.
    output
        CSV file to write.

    Raises
    ------
    TableError
        If results are missing or of another config.
    """
    plan = Plan(config)
    lines = [
        {"experiment": run.name, "changes": describe(run.changes), "row": name, **score.numbers()}
        | _places(run, config.output)
        for run in (plan.main, *plan.experiments)
        for name, score in _results(run).rows.items()
    ]
    table = pd.DataFrame(lines)
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    log.info("%s: %d runs", output, len(plan.experiments) + 1)
    return table


def summarise_ablation(config: Config, output: Path) -> pd.DataFrame:
    """Write the ablation's table: mean and spread over seeds.

    Three files beside each other: `output` (CSV), the same as Markdown (``.md``), and ``runs.csv``, a line per seed.
    Columns of the first: row (a stream, late or fused), mode and stages (of fused), seeds (their number), clips,
    parameters, and ``<number>_<mean | std | min | max>`` for each of `NUMBERS`. The rows of single streams are those of
    the seed's first cell: all cells of a seed test the same two checkpoints.

    Parameters
    ----------
    config
        The main run's config, with its `ablation`.
    output
        CSV file to write.

    Raises
    ------
    ConfigError
        If the config has no `ablation`.
    TableError
        If results are missing or of another config.
    """
    if config.ablation is None:
        raise ConfigError("ablation: expected a matrix, found none in the config; see config/README.md")
    runs = pd.DataFrame(list(_ablation_runs(config)))
    table = spread(runs)
    write_text(output.parent / "runs.csv", runs.to_csv(index=False, lineterminator="\n"))
    write_text(output.with_suffix(".md"), markdown(table))
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    return table


def describe(changes: Mapping[str, Any], above: str = "") -> str:
    """Return nested changes as text: ``seed=2 model.fusion.mode=none``."""
    parts = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            parts.append(describe(value, f"{above}{key}."))
        else:
            parts.append(f"{above}{key}={value if isinstance(value, str) else json.dumps(value)}")
    return " ".join(parts)


# ------------------------------------------------------------------------------------------- reading


def _results(run: Experiment) -> Results:
    found = read_results(run.files)
    if found is None:
        raise TableError(run.results, [f"expected the results of {run.name}, found no file"])
    if found.fingerprint != run.fingerprint:
        problem = f"expected fingerprint {run.fingerprint}, found {found.fingerprint}: evaluate {run.name} again"
        raise TableError(run.results, [problem])
    return found


def _places(run: Experiment, out: Path) -> dict[str, str]:
    folders: dict[str, Path] = {part: training.folder for part, training in run.trainings.items()}
    folders = {"results": run.folder} | folders
    return {f"{name}_folder": str(folder.relative_to(out)) for name, folder in folders.items()}


def _ablation_runs(config: Config) -> Iterator[dict[str, Any]]:
    matrix = config.ablation
    seen: set[tuple[int, str]] = set()
    for run in Plan(config).ablation:
        seed, fusion, results = run.config.seed, run.config.model.fusion, _results(run)
        for name in (row for row in (matrix.streams if matrix else ()) if row in results.rows):
            fused = name == FUSED
            if not fused and (seed, name) in seen:
                continue
            seen.add((seed, name))
            numbers = results.rows[name].numbers()
            yield {
                "row": name,
                "mode": fusion.mode if fusion and fused else "",
                "stages": " ".join(fusion.stages) if fusion and fused and fusion.mode != "none" else "",
                "seed": seed,
                "clips": results.rows[name].clips,
                "parameters": _parameters(name, results),
                **{number: numbers[number] for number in NUMBERS if number in numbers},
            }


def _parameters(row: str, results: Results) -> int:
    parts: dict[str, tuple[str, ...]] = {LATE: STREAMS, FUSED: ("fusion",)}
    needed = parts.get(row, (row,))
    return sum(results.checkpoints[part].parameters for part in results.checkpoints if part in needed)


# ------------------------------------------------------------------------------------------- tables


def spread(runs: pd.DataFrame) -> pd.DataFrame:
    """Return one line per row, mode and stages: mean, deviation, smallest and largest over the seeds."""
    keys = ["row", "mode", "stages"]
    numbers = [number for number in NUMBERS if number in runs]
    groups = runs.groupby(keys, sort=False)
    table = groups.agg(seeds=("seed", "nunique"), clips=("clips", "first"), parameters=("parameters", "first"))
    for number in numbers:
        found = groups[number].agg(list(SPREAD))
        table = table.join(found.rename(columns={name: f"{number}_{name}" for name in SPREAD}).round(6))
    order = {name: position for position, name in enumerate(COMPARED)}
    return table.reset_index().sort_values("row", key=lambda row: row.map(order), kind="stable", ignore_index=True)


def markdown(table: pd.DataFrame) -> str:
    """Return the ablation's table for people."""
    lines = ablation_cells(table)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    rows = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([ablation_caption(table), "", *rows, ""])


def ablation_caption(table: pd.DataFrame) -> str:
    """Say what the cells of `ablation_cells` are."""
    clips = table["clips"].iloc[0]
    return f"Test, {clips:g} clips, percent: mean ± standard deviation over seeds (smallest to largest)."


def ablation_cells(table: pd.DataFrame) -> list[list[str]]:
    """Return the ablation's head and rows as text: percent, mean and deviation over seeds, in brackets the range."""
    numbers = [number for number in NUMBERS if f"{number}_mean" in table]
    heads = {"top1": "top-1", "top5": "top-5", "mean_class_accuracy": "per class"}
    lines = [["model", "seeds", *(heads[number] for number in numbers), "parameters"]]
    for line in table.to_dict("records"):
        shown = [_shown({name: line[f"{number}_{name}"] for name in SPREAD}) for number in numbers]
        lines.append([_label(line), f"{line['seeds']:g}", *shown, f"{line['parameters']:,.0f}"])
    return lines


def _label(line: Mapping[str, Any]) -> str:
    places = f" at {line['stages'].replace(' ', ', ')}" if line["stages"] else ""
    return COMPARED[line["row"]] + (f", {line['mode']}{places}" if line["mode"] else "")


def _shown(of: Mapping[str, float]) -> str:
    mean, std, low, high = (100 * of[name] for name in SPREAD)
    if pd.isna(std):
        return f"{mean:.1f}"
    return f"{mean:.1f} ± {std:.1f} ({low:.1f} to {high:.1f})"
