"""Reading out who looks where: the attention of a fused recogniser, for the report.

The recogniser itself runs as always (`scaled_dot_product_attention` gives no weights); they are computed beside it,
from the same queries and keys.

Axes: B batch, R RGB frames, P pose frames, T frames of either, H W grid of the stage, L moments of the sequence.
Queries come first, then the keys they look at:

===============  ===============  =======  =====================
queries          keys             kind     axes
===============  ===============  =======  =====================
``rgb``          ``pose``         time     B R H W  P
``rgb``          ``pose``         space    B R H W  H W
``rgb``          ``pose``         joint    B R H W  P H W
``pose``         ``rgb``          each     the same, P and R exchanged
``rgb, pose``    ``sequence``     joint    B T H W  L
``sequence``     ``rgb, pose``    joint    B L  T H W
===============  ===============  =======  =====================

Keys of ``time`` are at the query's own place; those of ``space`` at its own time: RGB looks at the mean of its group of
pose frames, pose at the RGB frame of its group. Mode ``temporal_gate`` is of kind time with a grid of 1 x 1.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from camfuse.config import Stream
from camfuse.model.fusion.cross_attention import CrossAttention, CrossStep, Kind
from camfuse.model.fusion.sequence_exchange import SequenceExchange
from camfuse.model.fusion.st_caf import CrossModalFusion
from camfuse.model.recogniser import Recogniser

LAST = "last"
"""The stage of the sequence's exchanges: behind the last layers of the streams on grids."""


@dataclass(frozen=True)
class AttentionMap:
    """Where one stream looked in another, in one step at one stage of one batch.

    Attributes
    ----------
    stage
        s2, s3 or s4; `LAST` for the exchanges with the sequence.
    kind
        Which tokens could see each other.
    queries, keys
        The stream that looked, which the message was for, and the one that it looked at.
    weights
        Float32 on the recogniser's device, mean over the heads, axes as in the module's table. The weights of a query
        sum to 1 over its keys; to 0 where there was nobody to look at, and no message came.
    """

    stage: str
    kind: Kind
    queries: Stream
    keys: Stream
    weights: Tensor

    @property
    def first_key_axis(self) -> int:
        """The first of the axes that are the keys'."""
        return 2 if self.queries == "sequence" else 4


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
        Grows with each pass: by stage, step and stream that looks.

    Examples
    --------
    >>> with read_attention(model) as maps:  # doctest: +SKIP
    ...     model(rgb, heatmaps)
    """
    maps: list[AttentionMap] = []
    with ExitStack() as hooks:
        for stage, fusion in recogniser.fusion.items():
            if isinstance(fusion, CrossModalFusion):
                for step in fusion.steps:
                    _read_step(hooks, maps, stage, cast(CrossStep, step))
        for grid, exchange in (recogniser.exchange or {}).items():
            _read_exchange(hooks, maps, cast(Stream, grid), cast(SequenceExchange, exchange))
        yield maps


def _read_step(hooks: ExitStack, maps: list[AttentionMap], stage: str, step: CrossStep) -> None:
    """Let a step and its two attentions report: first the step its shapes, then each attention its tokens."""
    shapes: dict[Stream, torch.Size] = {}

    def note(_step: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        shapes["rgb"], shapes["pose"] = inputs[0].shape, inputs[1].shape

    def read(queries: Stream, keys: Stream, weights_GNM: Tensor) -> None:
        weights = _with_axes(weights_GNM, step.kind, shapes[queries], shapes[keys])
        maps.append(AttentionMap(stage, step.kind, queries, keys, weights))

    hooks.enter_context(step.register_forward_pre_hook(note))
    _read_layer(hooks, step.to_rgb, lambda weights: read("rgb", "pose", weights))
    _read_layer(hooks, step.to_pose, lambda weights: read("pose", "rgb", weights))


def _read_exchange(hooks: ExitStack, maps: list[AttentionMap], grid: Stream, exchange: SequenceExchange) -> None:
    """Let an exchange and its two attentions report, as `_read_step`."""
    places: list[torch.Size] = [torch.Size()]

    def note(_exchange: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        places[0] = inputs[0].shape[2:]  # (T, H, W)

    def to_sequence(weights_BLM: Tensor) -> None:
        maps.append(AttentionMap(LAST, "joint", "sequence", grid, weights_BLM.unflatten(2, places[0])))

    def to_grid(weights_BNL: Tensor) -> None:
        maps.append(AttentionMap(LAST, "joint", grid, "sequence", weights_BNL.unflatten(1, places[0])))

    hooks.enter_context(exchange.register_forward_pre_hook(note))
    _read_layer(hooks, exchange.to_sequence, to_sequence)
    _read_layer(hooks, exchange.to_grid, to_grid)


def _read_layer(hooks: ExitStack, layer: CrossAttention, take: Callable[[Tensor], None]) -> None:
    """Let `take` have the weights (G, N, M) of each pass."""

    def read(_layer: nn.Module, inputs: tuple[Tensor, ...], _message: Tensor) -> None:
        query_GND, key_GMD, _, visible_GM = inputs
        with torch.no_grad():
            take(layer.weights(query_GND, key_GMD, visible_GM))

    hooks.enter_context(layer.register_forward_hook(read))


def _with_axes(weights_GNM: Tensor, kind: Kind, queries: torch.Size, keys: torch.Size) -> Tensor:
    """Undo the grouping of `CrossStep`: (G, N, M) to the axes of the module's table.

    `queries` and `keys` are the shapes (B, T, H, W, D) of the two streams' tokens.
    """
    batch, frames, height, width, _ = queries
    if kind == "time":
        return weights_GNM.reshape(batch, height, width, frames, -1).permute(0, 3, 1, 2, 4)
    key_axes = (height, width) if kind == "space" else (keys[1], height, width)
    return weights_GNM.reshape(batch, frames, height, width, *key_axes)
