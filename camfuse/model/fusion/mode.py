"""Which way of fusing a mode of the config means."""

from camfuse.config import FusionMode
from camfuse.config.model import RIVALS
from camfuse.model.fusion.base import FusionBlock
from camfuse.model.fusion.lateral import LateralConcat
from camfuse.model.fusion.st_caf import CrossModalFusion
from camfuse.model.fusion.temporal_gate import TemporalGate


def joins_sequence(mode: FusionMode) -> bool:
    """Return whether the sequence stream's tokens take part: in ST-CAF; its rivals stay as they were published."""
    return mode != "none" and mode not in RIVALS


def fusion_type(mode: FusionMode) -> type[FusionBlock] | None:
    """Return what stands between the streams at each of ``model.fusion.stages``; None for late fusion only."""
    match mode:
        case "none":
            return None
        case "space" | "time" | "divided" | "joint":
            return CrossModalFusion
        case "temporal_gate":
            return TemporalGate
        case "concat":
            return LateralConcat
