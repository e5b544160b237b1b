"""How often the signer's body, face and hands were found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from camfuse.evaluate.result_text import percent
from camfuse.prep.pose.quality import PARTS, detection_rates, jitter, longest_gap
from camfuse.report.plots import histogram
from camfuse.report.tables import Chart, Table
from camfuse.run.shard import Shard

NAMES = {part: part.replace("_", " ") for part in PARTS}


@dataclass(frozen=True)
class Detection:
    """What the page shows of it: all clips together, a histogram per group, the clips from the worst."""

    note: str
    summary: Table
    charts: Sequence[Chart]
    clips: Table


def clip_rates(shards: Sequence[Shard]) -> pd.DataFrame:
    """Return clip_id, frames, per part the share of frames in which it was seen, longest_gap, jitter.

    A frame that was filled from its neighbours counts as not seen.
    """
    found: list[dict[str, str | int | float]] = []
    for shard in tqdm(shards, desc="detection rates", unit="shard", mininterval=1.0):
        for clip_id in shard:
            filled = shard.read("filled", clip_id)[:, None, None]
            keypoints = np.where(filled, np.float32(np.nan), shard.read("keypoints", clip_id))
            figures = {"longest_gap": longest_gap(keypoints), "jitter": jitter(keypoints)}
            found.append({"clip_id": clip_id, "frames": len(keypoints), **detection_rates(keypoints), **figures})
    return pd.DataFrame(found, columns=["clip_id", "frames", *PARTS, "longest_gap", "jitter"]).sort_values(
        "clip_id", ignore_index=True
    )


def describe_detection(shards: Sequence[Shard]) -> Detection | None:
    """Count and draw the detection rates; None where no clip has keypoints yet."""
    rates = clip_rates(shards)
    if rates.empty:
        return None
    charts = [
        Chart(
            histogram(
                rates[part].tolist(),
                title=f"Histogram over clips: share of frames with the {name}",
                x_label="share of the clip's frames",
            ),
            name.capitalize(),
        )
        for part, name in NAMES.items()
    ]
    note = (
        f"In how many of the {rates['frames'].sum():,} frames of {len(rates):,} clips the estimator saw at least one "
        "keypoint of a group. A hand at rest below the image is not seen, and need not be. A gap is a run of frames "
        "without the body; filled frames count as not seen. Jitter is how far, by median, a point of the upper body "
        "lies off the middle of its places one frame before and after, in % of the distance between the shoulders."
    )
    return Detection(note, _summary(rates), charts, _worst(rates))


def _summary(rates: pd.DataFrame) -> Table:
    weight = rates["frames"] / rates["frames"].sum()
    rows = [
        (
            name,
            percent(float((rates[part] * weight).sum())),
            percent(float(rates[part].median())),
            percent(float(rates[part].min())),
            f"{int((rates[part] == 0).sum()):,}",
        )
        for part, name in NAMES.items()
    ]
    head = ("group", "frames, %", "median clip, %", "worst clip, %", "clips without")
    return Table("Frames with a detection", head, rows)


def _worst(rates: pd.DataFrame) -> Table:
    """Order by the body, then the better hand, then the face: what recognition needs first; then by jitter."""
    hand = np.maximum(rates["left_hand"], rates["right_hand"])
    keys = ["body", "hand", "face", "jitter", "clip_id"]
    order = rates.assign(hand=hand).sort_values(keys, ascending=[True, True, True, False, True])
    rows = [
        (
            str(row["clip_id"]),
            f"{row['frames']:,}",
            *(percent(row[part]) for part in PARTS),
            f"{row['longest_gap']:,}",
            percent(row["jitter"]) if np.isfinite(row["jitter"]) else "-",
        )
        for row in order.to_dict("records")
    ]
    head = ("clip", "frames", *(f"{name}, %" for name in NAMES.values()), "longest gap, frames", "jitter, %")
    return Table("Detection rates by clip, worst first", head, rows).cut()
