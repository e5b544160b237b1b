"""Where the streams of a fused recogniser look in each other, drawn for some clips.

All numbers are relative to looking everywhere alike, which is 1: a place of 2 gets twice its share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from camfuse.data.batch import collate, inputs_of
from camfuse.data.dataset import ClipDataset
from camfuse.model.attention import AttentionMap, read_attention
from camfuse.model.checkpoint import load_trained
from camfuse.report.examples import Example, jpeg_url
from camfuse.run.layout import Run
from camfuse.show.draw import EDGE, INK, PALE, PAPER, Colour, Image, contact_sheet, draw_heatmaps, resize

TILE = 128
"""Width of an image in pixels."""
BARS = 56
"""Height of the bars in pixels; a third of it is 1."""
STRONG = 3.0
"""A place that gets so many times its share has the full colour."""
GLOW: Colour = (255, 94, 58)
RGB_BAR: Colour = (214, 96, 40)
POSE_BAR: Colour = (38, 110, 190)


@dataclass(frozen=True)
class Looks:
    """Where the streams look, by RGB frame; 1 is looking everywhere alike, 0 also where nobody could be seen.

    Attributes
    ----------
    in_rgb, in_pose
        (R, H, W): where pose looks in each RGB frame, and RGB in the group of pose frames that belongs to it; None if
        the fusion has no attention over places.
    rgb_frames, pose_frames
        (R,) and (P,): how much pose looks at each RGB frame, and RGB at each pose frame; None if the fusion has no
        attention along time.
    """

    in_rgb: NDArray[np.float32] | None = None
    in_pose: NDArray[np.float32] | None = None
    rgb_frames: NDArray[np.float32] | None = None
    pose_frames: NDArray[np.float32] | None = None


def sum_up(maps: Sequence[AttentionMap]) -> Looks:
    """Average the attention of one clip over its queries, at the fusion's first stage, whose grid is the finest."""
    found: dict[str, NDArray[np.float32]] = {}
    frames = next(one.weights.shape[1] for one in maps if one.direction == "to_rgb")  # R
    for one in (one for one in maps if one.stage == maps[0].stage):
        keys = "pose" if one.direction == "to_rgb" else "rgb"
        weights = one.weights[0]
        if one.kind == "time":  # (T, H, W, keys)
            found[f"{keys}_frames"] = _relative(weights.mean((0, 1, 2)))
        elif one.kind == "space":  # (T, H, W, H, W): the key frame is that of the query
            found[f"in_{keys}"] = _by_frame(weights.mean((1, 2)), frames)
        else:  # (T, H, W, keys, H, W)
            over_keys = weights.mean((0, 1, 2))
            found[f"{keys}_frames"] = _relative(over_keys.sum((1, 2)))
            found[f"in_{keys}"] = _by_frame(over_keys, frames)
    return Looks(**found)


def _relative(shares: Tensor) -> NDArray[np.float32]:
    """Scale shares so that 1 is their mean."""
    mean = shares.mean()
    scaled: NDArray[np.float32] = (shares / mean if mean > 0 else shares).float().numpy()
    return scaled


def _by_frame(places: Tensor, frames: int) -> NDArray[np.float32]:
    """Add up the (T, H, W) of a group of frames, and scale each group by itself: (frames, H, W)."""
    groups = places.unflatten(0, (frames, -1)).sum(1)
    return np.stack([_relative(group) for group in groups])


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
        sample = dataset[number]
        with torch.inference_mode(), read_attention(model) as maps:
            model(**inputs_of(collate([sample])))
        if not maps:
            return []
        rgb, heatmaps = sample["rgb"], sample["heatmaps"]
        sheet = attention_sheet(str(label), str(clip_id), rgb[0], heatmaps[0], sum_up(maps), zoomed=zoomed)
        alt = f"Where the streams look in clip {clip_id}, {label}"
        height, width = sheet.shape[:2]
        drawn.append(Example(str(clip_id), str(label), jpeg_url(sheet), width, height, alt, verdict="", right=False))
    return drawn


# ------------------------------------------------------------------------------------------- drawing


def attention_sheet(
    label: str, clip_id: str, rgb: Tensor, heatmaps: Tensor, looks: Looks, *, zoomed: bool = False
) -> Image:
    """Draw one clip: a column for each RGB frame and its group of pose frames.

    Parameters
    ----------
    label, clip_id
        The heading.
    rgb
        (3, R, S, S) uint8.
    heatmaps
        (K, P, Q, Q) uint8.
    looks
        Where the streams look.
    zoomed
        Whether hands are zoomed in the heatmaps, which therefore do not lie on the crop: they are drawn on dark ground.
    """
    images = [resize(np.ascontiguousarray(one), TILE, TILE) for one in rgb.permute(1, 2, 3, 0).numpy()]
    groups = heatmaps.unflatten(1, (len(images), -1)).amax(2).permute(1, 0, 2, 3).numpy()  # (R, K, Q, Q)
    rows: dict[str, list[Image]] = {}
    if looks.in_rgb is not None:
        rows["pose in RGB"] = [glow(*pair) for pair in zip(images, looks.in_rgb, strict=True)]
    if looks.in_pose is not None:
        grounds = [np.full_like(one, INK) if zoomed else one for one in images]
        poses = [draw_heatmaps(*pair, dim=0.6) for pair in zip(grounds, groups, strict=True)]
        rows["RGB in pose"] = [glow(*pair) for pair in zip(poses, looks.in_pose, strict=True)]
    if looks.rgb_frames is not None and looks.pose_frames is not None:
        each = looks.pose_frames.reshape(len(images), -1)
        rows["when"] = [bars(one, many) for one, many in zip(looks.rgb_frames.tolist(), each, strict=True)]
    strongest = max(
        float(values.max()) for values in (looks.in_rgb, looks.in_pose, looks.rgb_frames) if values is not None
    )
    captions = [f"frame {number + 1} of {len(images)}" for number in range(len(images))]
    clip_id = f"{clip_id} · hands zoomed" if zoomed else clip_id
    return contact_sheet(label, f"{clip_id} · at most {strongest:.2g} times its share", rows, captions)


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


def bars(rgb_frame: float, pose_frames: NDArray[np.float32]) -> Image:
    """Draw how much an RGB frame and the pose frames of its group are looked at, with a line at 1."""
    canvas = np.full((BARS, TILE, 3), PAPER, np.uint8)
    values = [rgb_frame, *pose_frames.tolist()]
    width = TILE / (len(values) + 1)
    for number, value in enumerate(values):
        left, top = round((number + 0.6) * width), BARS - round(min(value, STRONG) / STRONG * (BARS - 2))
        canvas[top:, left : round(left + 0.8 * width)] = RGB_BAR if number == 0 else POSE_BAR
    canvas[BARS - round((BARS - 2) / STRONG), ::2] = PALE
    canvas[-1] = EDGE
    return canvas
