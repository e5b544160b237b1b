"""The rows of the result table, one per way of combining the streams: their names in files, and for people."""

from collections.abc import Mapping

from camfuse.config import ComparedRow

FUSED, LATE = "fused", "late"
TITLES: Mapping[str, str] = {
    "rgb": "RGB",
    "pose": "Pose",
    "sequence": "Sequence",
    FUSED: "Fused",
    LATE: "Late fusion",
    "fusion/rgb": "Fused, RGB head",
    "fusion/pose": "Fused, pose head",
    "fusion/sequence": "Fused, sequence head",
    "fusion/joint": "Fused, joint head",
}
"""In the order of the table.

rgb, pose, sequence: each stream alone, from its own training. fused: the fused model, the weighted mean of its heads'
probabilities. late: the weighted mean of the streams, what fusion without training reaches. The others are the fused
model's heads, one by one.
"""
ROWS = tuple(TITLES)
MAIN = (FUSED, LATE, "sequence", "pose", "rgb")
"""The row that speaks for the run: the first of these that there is."""
HEADLINES = ("rgb", "pose", "sequence", FUSED)
"""The rows of the paper's table, and our stream's, as far as they are there."""
COMPARED: Mapping[ComparedRow, str] = {
    "rgb": "RGB alone",
    "pose": "pose alone",
    "sequence": "sequence alone",
    "late": "late fusion",
    "fused": "fused",
}
"""The rows that several runs are compared by, in the order of those tables."""
