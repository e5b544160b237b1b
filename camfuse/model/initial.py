"""What a training starts from: weights that the config names, or single-stream recognisers merged into one."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from camfuse.config import Config, Part, Stream
from camfuse.errors import WeightsError, bullet_list
from camfuse.model.importers import ImportReport, import_weights
from camfuse.model.layers import zeros_behind
from camfuse.model.recogniser import Recogniser
from camfuse.weights.needed import check_weights, initial_weights
from camfuse.weights.safe import read_checkpoint

log = logging.getLogger(__name__)


def load_initial(model: Recogniser, config: Config) -> ImportReport | None:
    """Give a new recogniser the weights that the config names for the start of its training.

    Parameters
    ----------
    model
        As built, with random weights.
    config
        With ``model.<part>.weights``, by the recogniser's part.

    Returns
    -------
    ImportReport or None
        What became of each tensor, also logged, and the clips behind them; None if the config names no weights for
        this part.

    Raises
    ------
    WeightsError
        If the file is missing, has another hash, holds more than plain data, or does not fit.
    """
    key = f"model.{model.part}.weights"
    needed = next((one for one in initial_weights(config) if one.key == key), None)
    if needed is None:
        return None
    checkpoint = read_checkpoint(check_weights(needed).path)
    state = next((checkpoint[name] for name in ("state_dict", "state") if name in checkpoint), checkpoint)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    report = replace(import_weights(model, tensors, f"{key}: {needed.path}"), clips=_clips(checkpoint))
    log.info("%s", report.text())
    random = [name for name in (*report.unfit, *report.kept) if not name.startswith("head_")]
    if random:
        log.warning("%s: %d tensors stay random, e.g. %s", report.source, len(random), ", ".join(random[:3]))
    return report


def clips_before(config: Config, part: Part) -> dict[str, frozenset[str]]:
    """Return what the first weights of a part's training were trained on (`camfuse.clips.seen`), by their file.

    Of a fusion those of its streams count too. Weights of other software, or of a version that kept no clips, say
    nothing of their clips; of a file that is not there any more, a warning says that they are not known.

    Parameters
    ----------
    config
        With ``model.<part>.weights``.
    part
        Of the model.

    Raises
    ------
    WeightsError
        If a file is damaged or holds more than plain data.
    """
    parts = (*config.model.streams, part) if part == "fusion" else (part,)
    wanted = {f"model.{one}.weights" for one in parts}
    paths = [one.path for one in initial_weights(config) if one.key in wanted]
    for path in (path for path in paths if not path.is_file()):
        log.warning("%s is not there: whether it was trained on clips of val or test is not known", path)
    found = {str(path): _clips(read_checkpoint(path)) for path in paths if path.is_file()}
    return {path: clips for path, clips in found.items() if clips}


def _clips(checkpoint: Mapping[str, object]) -> frozenset[str]:
    clips = checkpoint.get("clips")
    return frozenset(map(str, clips)) if isinstance(clips, list | tuple) else frozenset()


def merge_streams(fusion: Recogniser, states: Mapping[Stream, Mapping[str, Tensor]]) -> None:
    """Put the weights of the single-stream recognisers into a fused one; its new parameters stay as they are.

    Where a layer of the fused recogniser sees further channels (`Recogniser.wider_inputs`), its weights for them become
    zero, as in the merge of RGBPoseConv3D: the fused streams begin as the single ones.

    Parameters
    ----------
    fusion
        Recogniser for part ``fusion``.
    states
        ``Recogniser.state_dict()`` of each stream.

    Raises
    ------
    WeightsError
        Naming every key that is missing, too many or of another shape.
    """
    target, wider = fusion.state_dict(), fusion.wider_inputs()
    problems: list[str] = []
    merged: dict[str, Tensor] = {}
    for stream, state in states.items():
        expected = {
            key: value[:, : value.shape[1] - wider[key]] if key in wider else value
            for key, value in target.items()
            if key.startswith((f"{stream}.", f"head_{stream}."))
        }
        problems += _misfits(stream, expected, state)
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
