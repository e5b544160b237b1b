"""When, and on which part of the signer, the answer of the sequence stream rests, drawn for some clips.

All numbers are relative to all parts and moments counting alike, which is 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from camfuse.data.dataset import ClipDataset
from camfuse.data.sequence import KEYPOINTS, evenly, normalise
from camfuse.data.sequence_channels import CHANNELS
from camfuse.model.checkpoint import load_trained
from camfuse.model.saliency import sequence_saliency
from camfuse.report.examples import Example, jpeg_url
from camfuse.run.layout import Run
from camfuse.show.draw import EDGE, PALE, PAPER, Colour, Image, contact_sheet, draw_skeleton
from camfuse.skeleton import NUM_KEYPOINTS

Points = NDArray[np.float32]
ROWS = {"face": "face", "body": "body", "right": "right", "left": "left"}
NAMES = ROWS | {"right": "right hand", "left": "left hand"}
COLUMNS = 8
TILE, BARS = 128, 40
"""Width of an image and height of the bars in pixels."""
STRONG = 4.0
"""A part that counts so many times its share fills its height."""
BAR: Colour = (38, 110, 190)
REACH, ABOVE = 1.5, 0.42
"""Half the width that is drawn, in units of the shoulders' distance; share of the height above the shoulders."""
INK: Image = np.full((TILE, TILE, 3), PAPER, np.uint8)


def draw_saliency(run: Run, clip_ids: Sequence[str]) -> list[Example]:
    """Draw what the trained sequence stream's answers rest on in these clips.

    Raises
    ------
    WeightsError
        If the checkpoint was trained for other classes or under another config.
    """
    section = run.config.model.sequence
    assert section is not None
    model = load_trained(run.training("sequence").best, "sequence", run.config, run.classes()).recogniser()
    rows = run.clips().set_index("clip_id", drop=False).loc[list(clip_ids)]
    dataset = ClipDataset(rows, run, part="sequence", augment=False)  # the first sampling: the whole clip, unmirrored
    drawn = []
    for number, row in enumerate(dataset.clips.itertuples()):
        clip_id, label = str(row.clip_id), str(row.label)
        found = by_part(sequence_saliency(model, dataset[number]["sequence"])[0].numpy())
        keypoints = run.shard("pose", str(row.shard)).read("keypoints", clip_id)
        sheet = saliency_sheet(label, clip_id, evenly(normalise(keypoints), section.frames), found)
        alt = f"What the sequence stream's answer rests on in clip {clip_id}, {label}"
        height, width = sheet.shape[:2]
        drawn.append(Example(clip_id, label, jpeg_url(sheet), width, height, alt, verdict="", right=False))
    return drawn


def by_part(saliency: NDArray[np.float32]) -> dict[str, Points]:
    """Add up (F, L) over the channels of each part: (L,) each, 1 is the mean over parts and moments."""
    sums = {part: saliency[where].sum(0) for part, where in CHANNELS.items()}
    mean = np.mean(list(sums.values()))
    return {part: values / mean if mean > 0 else values for part, values in sums.items()}


def saliency_sheet(label: str, clip_id: str, points: Points, found: dict[str, Points]) -> Image:
    """Draw one clip: what the stream sees, and below it how much each part counts, moment by moment.

    Parameters
    ----------
    label, clip_id
        The heading.
    points
        (L, N, 2) in units of the shoulders' distance, as the stream is given them.
    found
        How much each part counts, (L,) each; `by_part`.
    """
    groups = [group for group in np.array_split(np.arange(len(points)), COLUMNS) if len(group)]
    rows = {"seen": [skeleton(points[group[len(group) // 2]]) for group in groups]}
    rows |= {name: [bars(found[part][group]) for group in groups] for part, name in ROWS.items()}
    total = {part: values.sum() for part, values in found.items()}
    most = max(total, key=lambda part: total[part])
    share = total[most] / max(sum(total.values()), 1e-9)
    captions = [f"{100 * group[0] // len(points)} %" for group in groups]
    return contact_sheet(label, f"{clip_id} · {share:.0%} on the {NAMES[most]}", rows, captions)


def skeleton(points: Points) -> Image:
    """Draw the points (N, 2) of one moment."""
    keypoints = np.full((NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[:, 2] = 0
    scale = TILE / (2 * REACH)
    keypoints[list(KEYPOINTS), 0] = points[:, 0] * scale + TILE / 2
    keypoints[list(KEYPOINTS), 1] = points[:, 1] * scale + TILE * ABOVE
    keypoints[list(KEYPOINTS), 2] = np.isfinite(points).all(1)
    return draw_skeleton(INK, keypoints)


def bars(values: Points) -> Image:
    """Draw how much a part counts at some moments, with a line at 1."""
    canvas = np.full((BARS, TILE, 3), PAPER, np.uint8)
    width = TILE / len(values)
    for number, value in enumerate(values.tolist()):
        top = BARS - round(min(value, STRONG) / STRONG * (BARS - 2))
        canvas[top:, round(number * width) : max(round((number + 0.85) * width), round(number * width) + 1)] = BAR
    canvas[BARS - round((BARS - 2) / STRONG), ::2] = PALE
    canvas[-1] = EDGE
    return canvas
