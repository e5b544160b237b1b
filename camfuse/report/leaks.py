"""What the splits share, as a table of the page."""

import pandas as pd

from camfuse.clips.leaks import COLUMNS
from camfuse.data.leaks import find_hidden
from camfuse.report.coverage import MOST_LISTED
from camfuse.report.tables import Table, read_csv
from camfuse.run.layout import Run


def leaks_table(run: Run) -> Table | None:
    """Return the pairs of clips, or signers, that two splits share; None where there is no clip table yet.

    Raises
    ------
    TableError
        If a table is damaged.
    ShardError
        If a shard is damaged or stale.
    WeightsError
        If the weights that a training starts from are damaged.
    """
    found = read_csv(run.clip_files.leaks, COLUMNS, COLUMNS)
    if found is None:
        return None
    both = pd.concat([found, find_hidden(run)], ignore_index=True)[list(COLUMNS)]
    rows = [tuple(str(value) for value in row) for row in both.itertuples(index=False)]
    head = ("what", "clip", "split", "label", "other clip", "its split", "its label", "")
    return Table("Leaks between splits", head, rows, frozenset(range(8))).cut(MOST_LISTED)
