"""Reading checkpoints, and merging two single-stream recognisers into a fused one."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from camfuse.errors import WeightsError, bullet_list
from camfuse.model.lateral import zeros_behind
from camfuse.model.recogniser import Recogniser

STREAM_PREFIXES = {"rgb": ("rgb.", "head_rgb."), "pose": ("pose.", "head_pose.")}


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; tensors and plain containers only, no code is run.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds more than plain data.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint; train that part first")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, UnpicklingError, OSError) as error:
        raise WeightsError(f"{path}: not a checkpoint of plain tensors, or damaged ({error})") from error
    if not isinstance(checkpoint, dict):
        raise WeightsError(f"{path}: expected a dictionary, found {type(checkpoint).__name__}")
    return checkpoint


def merge_streams(fusion: Recogniser, rgb_state: Mapping[str, Tensor], pose_state: Mapping[str, Tensor]) -> None:
    """Put the weights of both single-stream recognisers into a fused one; its new parameters stay as they are.

    Where a layer of the fused recogniser sees further channels (mode ``concat``), its weights for them become zero, as
    in the merge of RGBPoseConv3D: the fused streams begin as the single ones.

    Parameters
    ----------
    fusion
        Recogniser for part ``fusion``.
    rgb_state, pose_state
        ``Recogniser.state_dict()`` of parts ``rgb`` and ``pose``.

    Raises
    ------
    WeightsError
        Naming every key that is missing, too many or of another shape.
    """
    target, wider = fusion.state_dict(), fusion.wider_inputs()
    problems: list[str] = []
    merged: dict[str, Tensor] = {}
    for part, state in (("rgb", rgb_state), ("pose", pose_state)):
        expected = {
            key: value[:, : value.shape[1] - wider[key]] if key in wider else value
            for key, value in target.items()
            if key.startswith(STREAM_PREFIXES[part])
        }
        problems += _misfits(part, expected, state)
        merged |= state
    if problems:
        raise WeightsError(f"merging the streams: {len(problems)} key(s) do not fit\n{bullet_list(problems)}")
    merged |= {key: zeros_behind(merged[key], extra) for key, extra in wider.items()}
    fusion.load_state_dict(target | merged)


def _misfits(part: str, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    missing = [f"{part}: {key}: missing" for key in expected if key not in found]
    unknown = [f"{part}: {key}: unknown to the fused model" for key in found if key not in expected]
    shapes = [
        f"{part}: {key}: expected shape {tuple(value.shape)}, found {tuple(found[key].shape)}"
        for key, value in expected.items()
        if key in found and found[key].shape != value.shape
    ]
    return missing + unknown + shapes
