"""The clips of a split that cannot be tested: left out by a stage, or not on disk."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from camfuse.config import Split
from camfuse.errors import TableError
from camfuse.evaluate.results import Missing
from camfuse.run.layout import Run
from camfuse.run.shard import LeftOut


def find_missing(
    run: Run, split: Split, rows: pd.DataFrame, left_out: Mapping[str, LeftOut], *, whole: bool
) -> tuple[Missing, Counter[int]]:
    """Return which clips are missing, and how many of each class.

    Parameters
    ----------
    run
        Whose clips are tested.
    split
        The tested split.
    rows
        The rows of the clip table that were to be tested, those of `left_out` among them.
    left_out
        Which of these the shards do not have, and why.
    whole
        Whether `rows` are the whole split; of a choice of clips it is not known which are not on disk.

    Raises
    ------
    TableError
        If ``coverage.csv`` is damaged.
    """
    class_of = dict(zip(rows["clip_id"], rows["class_index"].astype(int), strict=True))
    by_class = Counter(class_of[clip_id] for clip_id in left_out)
    absent = _not_on_disk(run, split) if whole else None
    return Missing(left_out, None if absent is None else absent.total()), by_class + (absent or Counter())


def _not_on_disk(run: Run, split: Split) -> Counter[int] | None:
    path = run.clip_files.coverage
    if not path.is_file():
        return None
    try:
        table = pd.read_csv(path, keep_default_na=False)
        counted = table[table["split"] == split].groupby("class_index")["missing"].sum()
        absent = Counter({int(index): int(count) for index, count in counted.items()})
    except (KeyError, ValueError, TypeError) as error:
        raise TableError(path, [f"expected split, class_index, missing; found otherwise: {error!r}"]) from error
    # words that are kept out of training are not tested, so that their clips are not missing either
    kept_out = run.config.train.unknown_words or ()
    classes = run.classes() if kept_out else ()
    return Counter({index: count for index, count in absent.items() if not (classes and classes[index] in kept_out)})
