"""The rival after PCAN (Li et al., AAAI 2025): attention along time scales the channels of each frame.

The streams' maxima over space attend to each other; unlike in PCAN, both directions are computed from the same inputs.
"""

from torch import Tensor

from camfuse.config import FusionMode
from camfuse.model.fusion.cross_attention import Kind
from camfuse.model.fusion.st_caf import CrossModalFusion


class TemporalGate(CrossModalFusion):
    """ST-CAF's attention along time between one token per frame, whose messages are factors on the channels."""

    @staticmethod
    def kinds(mode: FusionMode) -> tuple[Kind, ...]:
        """Return the one step that there is."""
        return ("time",)

    def shown(self, tokens: Tensor) -> Tensor:
        """Return the maxima over space (B, T, 1, 1, D)."""
        return tokens.amax((2, 3), keepdim=True)

    def told(self, x: Tensor, message: Tensor) -> Tensor:
        """Scale the features (B, C, T, H, W) by 1 + message (B, C, T, 1, 1)."""
        return x + x * message
