"""The rows of the result table, one per way of combining the streams: their names in files, and for people."""

from collections.abc import Mapping

from camfuse.config import ComparedRow

FUSED, LATE = "fused", "late"
TITLES: Mapping[str, str] = {
    "rgb": "RGB",
    "pose": "Pose",
    FUSED: "Fused",
    LATE: "Late fusion",
    "fusion/rgb": "Fused, RGB head",
    "fusion/pose": "Fused, pose head",
    "fusion/joint": "Fused, joint head",
}
"""In the order of the table.

rgb, pose: each stream alone, from its own training. fused: the fused model, the weighted mean of its heads'
probabilities. late: the weighted mean of rgb and pose, what fusion without training reaches. The others are the fused
model's heads, one by one.
"""
ROWS = tuple(TITLES)
MAIN = (FUSED, LATE, "pose", "rgb")
"""The row that speaks for the run: the first of these that there is."""
PAPER = ("rgb", "pose", FUSED)
"""The rows of the paper's table."""
COMPARED: Mapping[ComparedRow, str] = {
    "rgb": "RGB alone",
    "pose": "pose alone",
    "late": "late fusion",
    "fused": "fused",
}
"""The rows that several runs are compared by, in the order of those tables."""
