"""Reading out who looks where: the attention of a fused recogniser, for the report.

The recogniser itself runs as always (`scaled_dot_product_attention` gives no weights); they are computed beside it,
from the same queries and keys.

Axes: B batch, R RGB frames, P pose frames, H W grid of the stage. Queries come first, then the keys they look at:

========================  ==================  =====================
kind                      to RGB              to pose
========================  ==================  =====================
time                      B R H W  P          B P H W  R
space                     B R H W  H W        B P H W  H W
joint                     B R H W  P H W      B P H W  R H W
========================  ==================  =====================

Keys of ``time`` are at the query's own place; those of ``space`` at its own time: RGB looks at the mean of its group of
pose frames, pose at the RGB frame of its group. Mode ``temporal_gate`` is of kind time with a grid of 1 x 1.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from camfuse.model.fusion.cross_attention import CrossAttention, CrossStep, Kind
from camfuse.model.fusion.st_caf import CrossModalFusion
from camfuse.model.recogniser import Recogniser

Direction = Literal["to_rgb", "to_pose"]


@dataclass(frozen=True)
class AttentionMap:
    """Where one stream looked in the other, in one step at one stage of one batch.

    Attributes
    ----------
    stage
        s2, s3 or s4.
    kind
        Which tokens could see each other.
    direction
        Whom the message was for: ``to_rgb`` are RGB's queries on pose's keys.
    weights
        Float32 on the recogniser's device, mean over the heads, axes as in the module's table. The weights of a query
        sum to 1 over its keys; to 0 where there was nobody to look at, and no message came.
    """

    stage: str
    kind: Kind
    direction: Direction
    weights: Tensor


@contextmanager
def read_attention(recogniser: Recogniser) -> Iterator[list[AttentionMap]]:
    """Collect the attention of every forward pass of a recogniser in this context, in order.

    The passes give the same as outside it. ``joint`` at s2 or s3 of full size takes much memory: run few clips.

    Parameters
    ----------
    recogniser
        Any; without attention (one stream, ``none``, ``concat``), or with one modality, nothing is collected.

    Yields
    ------
    list of AttentionMap
        Grows with each pass: by stage, step and direction.

    Examples
    --------
    >>> with read_attention(model) as maps:  # doctest: +SKIP
    ...     model(rgb, heatmaps)
    """
    maps: list[AttentionMap] = []
    hooks: list[RemovableHandle] = []
    try:
        for stage, fusion in recogniser.fusion.items():
            if isinstance(fusion, CrossModalFusion):
                for step in fusion.steps:
                    hooks += _hooks(maps, stage, cast(CrossStep, step))
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def _hooks(maps: list[AttentionMap], stage: str, step: CrossStep) -> list[RemovableHandle]:
    """Let a step and its two attentions report: first the step its shapes, then each attention its tokens."""
    shapes: dict[Direction, tuple[torch.Size, torch.Size]] = {}

    def note_shapes(_step: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rgb, pose = inputs[0].shape, inputs[1].shape
        shapes["to_rgb"], shapes["to_pose"] = (rgb, pose), (pose, rgb)

    def reader(direction: Direction, attention: CrossAttention) -> Callable[..., None]:
        def read(_attention: nn.Module, inputs: tuple[Tensor, ...], _message: Tensor) -> None:
            query, key, _, visible = inputs
            with torch.no_grad():
                weights_GNM = attention.weights(query, key, visible)
            weights = _with_axes(weights_GNM, step.kind, *shapes[direction])
            maps.append(AttentionMap(stage, step.kind, direction, weights))

        return read

    return [
        step.register_forward_pre_hook(note_shapes),
        step.to_rgb.register_forward_hook(reader("to_rgb", step.to_rgb)),
        step.to_pose.register_forward_hook(reader("to_pose", step.to_pose)),
    ]


def _with_axes(weights_GNM: Tensor, kind: Kind, queries: torch.Size, keys: torch.Size) -> Tensor:
    """Undo the grouping of `CrossStep`: (G, N, M) to the axes of the module's table.

    `queries` and `keys` are the shapes (B, T, H, W, D) of the two streams' tokens.
    """
    batch, frames, height, width, _ = queries
    if kind == "time":
        return weights_GNM.reshape(batch, height, width, frames, -1).permute(0, 3, 1, 2, 4)
    key_axes = (height, width) if kind == "space" else (keys[1], height, width)
    return weights_GNM.reshape(batch, frames, height, width, *key_axes)
