"""Where the streams of a fused recogniser look in each other, drawn for some clips.

All numbers are relative to looking everywhere alike, which is 1: a place of 2 gets twice its share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camfuse.config import STREAMS, Stream
from camfuse.data.batch import collate, inputs_of
from camfuse.data.dataset import ClipDataset
from camfuse.model.attention import AttentionMap, read_attention
from camfuse.model.checkpoint import load_trained
from camfuse.report.examples import Example, jpeg_url
from camfuse.run.layout import Run
from camfuse.show.draw import EDGE, INK, PALE, PAPER, Colour, Image, contact_sheet, draw_heatmaps, resize

COLUMNS = 8
"""Columns of a clip without RGB, whose frames are the columns otherwise."""
TILE = 128
"""Width of an image in pixels."""
BARS = 56
"""Height of the bars in pixels; a third of it is 1."""
STRONG = 3.0
"""A place that gets so many times its share has the full colour."""
GLOW: Colour = (255, 94, 58)
NAMES: dict[Stream, str] = {"rgb": "RGB", "pose": "pose", "sequence": "sequence"}
BAR: dict[Stream, Colour] = {"rgb": (214, 96, 40), "pose": (38, 110, 190), "sequence": (54, 140, 84)}

Shares = NDArray[np.float32]


@dataclass(frozen=True)
class Looks:
    """Where the streams look in each other; 1 is looking everywhere alike, 0 also where nobody could be seen.

    Attributes
    ----------
    places
        By the stream that looks and the one it looks at, for each of N groups of frames: (N, H, W). Pairs without
        attention over places are not there.
    times
        By the stream that is looked at: how much the others look at each frame of it or, of the sequence, at each
        moment, (T,). Streams without attention along time are not there.
    """

    places: Mapping[tuple[Stream, Stream], Shares]
    times: Mapping[Stream, Shares]


def sum_up(maps: Sequence[AttentionMap], groups: int) -> Looks:
    """Average the attention of one clip over its queries, of each pair of streams at the first stage where they meet.

    Parameters
    ----------
    maps
        Of one pass of one clip.
    groups
        N: into how many groups of frames that follow each other places are summed up.
    """
    places: dict[tuple[Stream, Stream], Shares] = {}
    times: dict[Stream, list[Shares]] = {}
    first: dict[tuple[Stream, Stream], str] = {}
    for one in maps:
        pair = (one.queries, one.keys)
        if one.stage != first.setdefault(pair, one.stage):
            continue
        shares = _of_mean_query(one)
        if one.kind != "space":
            times.setdefault(one.keys, []).append(_relative(shares.flatten(1).sum(1) if shares.dim() > 1 else shares))
        if shares.dim() == 3:
            places[pair] = np.stack([_relative(group.sum(0)) for group in shares.tensor_split(groups)])
    return Looks(places, {stream: np.mean(times[stream], axis=0) for stream in STREAMS if stream in times})


def _of_mean_query(one: AttentionMap) -> Tensor:
    """Return what the keys of the first clip get, (T,) or (T, H, W): T frames of the keys; kind space: queries."""
    weights = one.weights[0]
    if one.kind == "space":  # (T, H, W, H, W): the key frame is that of the query
        return weights.mean((1, 2))
    return weights.mean(tuple(range(one.first_key_axis - 1)))


def _relative(shares: Tensor) -> Shares:
    """Scale shares so that 1 is their mean."""
    mean = shares.mean()
    scaled: Shares = (shares / mean if mean > 0 else shares).float().cpu().numpy()
    return scaled


def draw_attention(run: Run, clip_ids: Sequence[str]) -> list[Example]:
    """Draw where the trained fusion looks in these clips; an empty list where it has no attention.

    Raises
    ------
    WeightsError
        If the checkpoint was trained for other classes or under another config.
    """
    model = load_trained(run.training("fusion").best, "fusion", run.config, run.classes()).recogniser()
    rows = run.clips().set_index("clip_id", drop=False).loc[list(clip_ids)]
    dataset = ClipDataset(rows, run, part="fusion", augment=False)
    zoomed = run.config.heatmaps.hands is not None
    drawn = []
    for number, (clip_id, label) in enumerate(zip(dataset.clips["clip_id"], dataset.clips["label"], strict=True)):
        inputs = inputs_of(collate([dataset[number]]))
        with torch.inference_mode(), read_attention(model) as maps:
            model(**inputs)
        if not maps:
            return []
        rgb, heatmaps = (None if values is None else values[0] for values in (inputs["rgb"], inputs["heatmaps"]))
        sheet = attention_sheet(str(label), str(clip_id), maps, rgb, heatmaps, zoomed=zoomed)
        alt = f"Where the streams look in clip {clip_id}, {label}"
        height, width = sheet.shape[:2]
        drawn.append(Example(str(clip_id), str(label), jpeg_url(sheet), width, height, alt, verdict="", right=False))
    return drawn


# ------------------------------------------------------------------------------------------- drawing


def attention_sheet(
    label: str,
    clip_id: str,
    maps: Sequence[AttentionMap],
    rgb: Tensor | None = None,
    heatmaps: Tensor | None = None,
    *,
    zoomed: bool = False,
) -> Image:
    """Draw one clip: a column for each RGB frame and its group of pose frames, or for groups of pose frames alone.

    Parameters
    ----------
    label, clip_id
        The heading.
    maps
        Where the streams look, of one pass of the clip.
    rgb
        (3, R, S, S) uint8; None for a model without RGB.
    heatmaps
        (K, P, Q, Q) uint8; None for a model without heatmaps.
    zoomed
        Whether hands are zoomed in the heatmaps, which therefore do not lie on the crop: they are drawn on dark ground.
    """
    columns = rgb.shape[1] if rgb is not None else min(COLUMNS, heatmaps.shape[1] if heatmaps is not None else 1)
    looks, grounds = sum_up(maps, columns), _grounds(rgb, heatmaps, columns, zoomed=zoomed)
    rows = {
        f"{NAMES[looker]} in {NAMES[seen]}": [glow(*pair) for pair in zip(grounds[seen], places, strict=True)]
        for (looker, seen), places in looks.places.items()
    }
    if looks.times:
        split = {seen: np.array_split(times, columns) for seen, times in looks.times.items()}
        rows["when"] = [bars({seen: of[column] for seen, of in split.items()}) for column in range(columns)]
    strongest = max(float(values.max()) for found in (looks.places, looks.times) for values in found.values())
    name = "frame" if rgb is not None else "part"
    captions = [f"{name} {number + 1} of {columns}" for number in range(columns)]
    clip_id = f"{clip_id} · hands zoomed" if zoomed and heatmaps is not None else clip_id
    return contact_sheet(label, f"{clip_id} · at most {strongest:.2g} times its share", rows, captions, legend=False)


def _grounds(rgb: Tensor | None, heatmaps: Tensor | None, columns: int, *, zoomed: bool) -> dict[Stream, list[Image]]:
    """Return what each stream on a grid sees in each column: heatmaps over their crop, if they lie on one."""
    found: dict[Stream, list[Image]] = {}
    grounds = [np.full((TILE, TILE, 3), INK, np.uint8)] * columns
    if rgb is not None:
        found["rgb"] = [resize(np.ascontiguousarray(one), TILE, TILE) for one in rgb.permute(1, 2, 3, 0).cpu().numpy()]
        grounds = grounds if zoomed else found["rgb"]
    if heatmaps is not None:
        shown = [group.amax(1).cpu().numpy() for group in heatmaps.tensor_split(columns, 1)]  # (K, Q, Q) each
        # without colours, of which the glow is the only one
        found["pose"] = [grey(draw_heatmaps(*pair, dim=0.6)) for pair in zip(grounds, shown, strict=True)]
    return found


def grey(image: Image) -> Image:
    """Return an image (S, S, 3) without its colours."""
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def glow(image: Image, looks: NDArray[np.float32]) -> Image:
    """Colour the places of an image (S, S, 3) that get more than their share, darken those that get less."""
    values = spread(looks, *image.shape[:2])[..., None]
    alpha = np.clip((values - 1) / (STRONG - 1), 0, 1)
    shaded = image * np.clip(values, 0.25, 1) * (1 - alpha) + np.array(GLOW) * alpha
    blended: Image = shaded.round().astype(np.uint8)
    return blended


def spread(looks: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return what each pixel of an image gets, of the places (H, W) of a stream's grid, each around its true centre.

    A strided convolution of an even side, padded by as much at both ends, has its outputs centred on the first of the
    pixels that each stands for, and so has a chain of them: place i of G is centred on i / G of the side, not on
    (i + 0.5) / G. Half a place matters: of the 2 x 2 places of a small crop, the lower right one is the middle. Beyond
    the last centre nothing is known, and the values go back to an equal share.
    """
    rows, columns = looks.shape
    padded = np.pad(looks.astype(np.float32), ((0, 1), (0, 1)), constant_values=1.0)
    across, down = np.meshgrid(np.arange(width) * columns / width, np.arange(height) * rows / height)
    found = cv2.remap(padded, across.astype(np.float32), down.astype(np.float32), interpolation=cv2.INTER_LINEAR)
    return found.astype(np.float32)


def bars(shares: Mapping[Stream, Shares]) -> Image:
    """Draw how much the frames and moments of a column are looked at, stream by stream, with a line at 1."""
    canvas = np.full((BARS, TILE, 3), PAPER, np.uint8)
    values = [(value, BAR[stream]) for stream, found in shares.items() for value in found.tolist()]
    width = TILE / (len(values) + 1)
    for number, (value, colour) in enumerate(values):
        left, top = round((number + 0.6) * width), BARS - round(min(value, STRONG) / STRONG * (BARS - 2))
        canvas[top:, left : round(left + 0.8 * width)] = colour
    canvas[BARS - round((BARS - 2) / STRONG), ::2] = PALE
    canvas[-1] = EDGE
    return canvas
