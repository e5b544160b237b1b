"""Several runs on the page: the config's experiments side by side, and the ablation with its spread over seeds."""

import math

from camfuse.evaluate.comparison import NUMBERS, SPREAD, ablation_caption, ablation_cells
from camfuse.evaluate.result_text import NONE, percent
from camfuse.evaluate.results import read_results
from camfuse.evaluate.rows import COMPARED, FUSED, TITLES
from camfuse.report.tables import Table, read_csv
from camfuse.run.experiments import Plan
from camfuse.run.layout import Run


def experiment_table(run: Run) -> Table | None:
    """Read ``experiments/results.csv``: a line per run; None where the config has no experiments or none has run yet.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    text = ("experiment", "changes", "row")
    path = run.experiments
    found = read_csv(path, (*text, "n", "top1", "mean_class_accuracy"), text) if run.config.experiments else None
    if found is None:
        return None
    columns = [row for row in COMPARED if row in set(found["row"])]
    rows = []
    for (name, changes), lines in found.groupby(["experiment", "changes"], sort=False):
        top1 = dict(zip(lines["row"], lines["top1"], strict=True))
        per_class = dict(zip(lines["row"], lines["mean_class_accuracy"], strict=True))
        shown = [percent(top1.get(row, math.nan)) for row in columns]
        clips = f"{int(lines['n'].iloc[0]):,}"  # those of every row of one run
        rows.append((str(name), str(changes) or NONE, clips, *shown, percent(per_class.get(FUSED, math.nan))))
    head = ("run", "changes", "clips", *(f"{TITLES[row]} top-1" for row in columns), "Fused class top-1")
    return Table("Experiments on the same shards, in %", head, rows, frozenset({0, 1}), frozenset({0}))


def ablation_table(run: Run) -> tuple[Table | None, str]:
    """Read ``ablation/ablation.csv``; return it, or why there is nothing to show, or two times nothing.

    Raises
    ------
    TableError
        If the file is damaged.
    """
    text = ("row", "mode", "stages")
    path = run.ablation
    if run.config.ablation is None or not path.is_file():
        return None, "" if run.config.ablation is None else "Ablation: not run yet; snakemake ablation makes it."
    for cell in Plan(run.config).ablation:
        results = read_results(cell.files)
        if results is None or results.fingerprint != cell.fingerprint:
            return None, "Ablation: the table is one of other settings; snakemake ablation renews it."
    table = read_csv(path, (*text, "seeds", "clips", "parameters", *(f"top1_{name}" for name in SPREAD)), text)
    if table is None or table.empty:
        return None, "Ablation: the table is empty."
    numbers = [f"{number}_{name}" for number in NUMBERS for name in SPREAD if f"{number}_{name}" in table]
    # a single seed has no deviation: an empty cell
    values = {name: table[name].replace("", math.nan).astype(float) for name in numbers}
    head, *rows = ablation_cells(table.assign(**values))
    return Table(f"Ablation. {ablation_caption(table)}", head, rows), ""
