"""Published numbers of the data set's test, as others report them: to compare with, never measured here."""

from collections.abc import Sequence
from dataclasses import dataclass

from camfuse.config import Clips
from camfuse.evaluate.result_text import NONE
from camfuse.report.tables import Table

PAPER = "the paper's tables (github.com/hj22222222/CAMFuse)"
SAM_SLR = "tables in github.com/jackyjsy/CVPR21Chal-SLR"
LOGOS = "README of github.com/ai-forever/logos"


@dataclass(frozen=True)
class Published:
    """One line: shares in %, as published; None where that is not published."""

    method: str
    sees: str
    top1: float
    top5: float | None
    per_class: float | None
    other_data: str
    source: str


WLASL: Sequence[Published] = (
    Published("CAMFuse, the paper (2025)", "RGB + pose", 53.12, 86.70, 50.91, "none named", PAPER),
    Published("its pose stream", "pose", 51.67, 83.91, 48.88, "none named", PAPER),
    Published("its RGB stream", "RGB", 46.25, 81.27, 43.18, "none named", PAPER),
    Published("SAM-SLR, keypoints + RGB (2021)", "RGB + pose", 57.55, 90.34, 54.83, "none", SAM_SLR),
    Published(
        "NLA-SLR, three crops (2023)", "RGB + pose", 61.26, 91.77, 58.31, "none", "README of github.com/FangyunWei/SLRT"
    ),
    Published("OneSign (2026)", "pose", 64.15, None, None, "other sign data sets", "its README"),
    Published("Logos (2025)", "RGB", 66.82, None, None, "200,000 clips of Russian signs", LOGOS),
)
AUTSL: Sequence[Published] = (
    Published("CAMFuse, the paper (2025)", "RGB + pose", 96.18, 99.65, None, "none named", PAPER),
    Published("its RGB stream", "RGB", 93.56, 99.39, None, "none named", PAPER),
    Published("its pose stream", "pose", 93.24, 99.20, None, "none named", PAPER),
    Published("SAM-SLR, RGB (2021)", "RGB + pose + flow", 97.51, None, None, "none", SAM_SLR),
    Published("SAM-SLR, RGB, val trained on too", "RGB + pose + flow", 98.42, None, None, "none", SAM_SLR),
    Published("Logos (2025)", "RGB", 97.81, None, None, "200,000 clips of Russian signs", LOGOS),
)
ALL_WORDS = 2000
"""Of WLASL: the published rows are of all words; a subset's numbers are far higher."""


def reference_table(clips: Clips, classes: int) -> Table | None:
    """Return what others publish of this data set's test; None for other data."""
    if clips.wlasl and classes == ALL_WORDS:
        name, rows = "WLASL-2000", WLASL
    elif clips.autsl:
        name, rows = "AUTSL", AUTSL
    else:
        return None
    cells = [
        (
            row.method,
            row.sees,
            f"{row.top1:.2f}",
            _or_none(row.top5),
            _or_none(row.per_class),
            row.other_data,
            row.source,
        )
        for row in rows
    ]
    head = ("published", "sees", "top-1", "top-5", "class top-1", "other sign data", "source")
    caption = f"Published numbers of {name}'s test, in %: reference rows, not measured here"
    return Table(caption, head, cells, frozenset({0, 1, 5, 6}))


def _or_none(share: float | None) -> str:
    return NONE if share is None else f"{share:.2f}"
