"""Weights of MMAction2 and PYSKL for our recogniser: SlowOnly-R50, PoseC3D, a whole RGBPoseConv3D.

The streams keep the module names of those projects, so most names differ by a prefix only. The layers of a stream have
to fit, all of them: a network with half its weights would train, and nobody would know. What may be missing or
different is the head (other classes), the stem of the pose stream (other keypoints, another stem) and what is between
the streams; `ImportReport` says what became of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from camfuse.config import STREAMS, Part
from camfuse.errors import WeightsError, bullet_list
from camfuse.model.fusion.lateral import RGBPOSECONV3D_NAMES
from camfuse.model.layers import zeros_behind
from camfuse.model.recogniser import Recogniser
from camfuse.skeleton import NUM_KEYPOINTS

COCO_BODY = 17
"""Keypoints of COCO: the first of COCO-WholeBody's 133, in the same order."""
PREFIXES: dict[Part, dict[str, str]] = {
    "rgb": {"backbone.": "rgb.", "cls_head.fc_cls.": "head_rgb.fc."},
    "pose": {"backbone.": "pose.", "cls_head.fc_cls.": "head_pose.fc."},
    "sequence": {},
    "fusion": {
        **RGBPOSECONV3D_NAMES,
        "backbone.rgb_path.": "rgb.",
        "backbone.pose_path.": "pose.",
        "cls_head.fc_rgb.": "head_rgb.fc.",
        "cls_head.fc_pose.": "head_pose.fc.",
    },
}
"""Their names' beginnings and ours, the longer ones first."""
COUNTER = ".num_batches_tracked"


@dataclass(frozen=True)
class ImportReport:
    """What became of the weights in a file, and of the recogniser's parameters.

    Attributes
    ----------
    source
        The file.
    taken
        Parameters (by our names) that the file gave as they are.
    padded
        Parameters that the file gave for fewer input channels, and what was done.
    unfit
        Parameters that the file has in another shape, with both shapes: they stay random.
    kept
        Parameters that the file does not have: they stay random.
    unused
        Names in the file that the recogniser has no place for.
    clips
        What the file says that its weights were trained on (`camfuse.clips.seen`); empty where it says nothing.
    """

    source: str
    taken: tuple[str, ...]
    padded: tuple[str, ...]
    unfit: tuple[str, ...]
    kept: tuple[str, ...]
    unused: tuple[str, ...]
    clips: frozenset[str] = frozenset()

    def text(self) -> str:
        """Return everything but the names that fit, one line each."""
        named = {
            "padded with zeros": self.padded,
            "of another shape, stays random": self.unfit,
            "not in the file, stays random": self.kept,
            "in the file, without use": self.unused,
        }
        lines = [f"{name}: {what}" for what, names in named.items() for name in names]
        return "\n".join([f"{self.source}: {len(self.taken)} of its tensors fit", *(f"  {line}" for line in lines)])


def import_weights(recogniser: Recogniser, state: Mapping[str, Tensor], source: str) -> ImportReport:
    """Put weights of MMAction2, PYSKL or our own into a recogniser.

    A stem of 17 keypoints (COCO) in a stream that sees all 133 gets zeros for the others, so that it still sees
    what it saw.

    Parameters
    ----------
    recogniser
        For part ``rgb``: takes a SlowOnly; ``pose``: a PoseC3D; ``fusion`` in mode ``concat`` at s2 and s3: an
        RGBPoseConv3D, merged or trained. Of our own, the state of the same part.
    state
        The tensors by their names there.
    source
        What to call the file in messages.

    Raises
    ------
    WeightsError
        Naming each layer of a stream that is missing, too many, or of another shape; the recogniser is unchanged then.
    """
    target = recogniser.state_dict()
    found, unused = _renamed(state, recogniser.part)
    padded: list[str] = []
    stem = "pose.conv1.conv.weight"
    if stem in found and stem in target and _is_coco(found[stem], target[stem]):
        found[stem] = zeros_behind(found[stem], NUM_KEYPOINTS - COCO_BODY)
        padded.append(f"{stem} ({COCO_BODY} of {NUM_KEYPOINTS} keypoints)")
    unfit = {
        key: f"{key} (expected {tuple(target[key].shape)}, found {tuple(value.shape)})"
        for key, value in found.items()
        if key in target and value.shape != target[key].shape
    }
    fitting = {key: value for key, value in found.items() if key in target and key not in unfit}
    report = ImportReport(
        source,
        taken=tuple(key for key in fitting if key != stem or not padded),
        padded=tuple(padded),
        unfit=tuple(unfit.values()),
        kept=tuple(key for key in target if key not in found and not key.endswith(COUNTER)),
        unused=(*unused, *(key for key in found if key not in target)),
    )
    _refuse_other_streams(recogniser.part, report)
    recogniser.load_state_dict(target | fitting)
    return report


def _renamed(state: Mapping[str, Tensor], part: Part) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors by our names, and the names that have none."""
    plain = {name.removeprefix("module."): value for name, value in state.items()}
    if any(name.startswith(tuple(f"{stream}." for stream in STREAMS)) for name in plain):
        return plain, []  # ours
    if not any(name.startswith("backbone.") for name in plain):
        plain = {f"backbone.{name}": value for name, value in plain.items()}  # the backbone alone
    found: dict[str, Tensor] = {}
    unused: list[str] = []
    for name, value in plain.items():
        prefix = next((prefix for prefix in PREFIXES[part] if name.startswith(prefix)), None)
        if prefix is None:
            unused.append(name)
        else:
            found[PREFIXES[part][prefix] + name.removeprefix(prefix)] = value
    return found, unused


def _is_coco(found: Tensor, expected: Tensor) -> bool:
    """Whether a stem sees COCO's body and is expected to see COCO-WholeBody, and all else is the same."""
    channels = found.shape[1:2], expected.shape[1:2]
    others = found.shape[:1] + found.shape[2:], expected.shape[:1] + expected.shape[2:]
    return channels == ((COCO_BODY,), (NUM_KEYPOINTS,)) and others[0] == others[1]


def _refuse_other_streams(part: Part, report: ImportReport) -> None:
    streams = ("rgb.", "pose.layer", "sequence.")  # the pose stream's stem may be another
    named = {"missing": report.kept, "of another shape": report.unfit, "one too many": report.unused}
    problems = [f"{name}: {what}" for what, names in named.items() for name in names if name.startswith(streams)]
    if not report.taken and not problems:
        problems = [f"{name}: without use" for name in report.unused]
    if problems:
        raise WeightsError(
            f"{report.source}: expected {EXPECTED[part]}, with the depths, channels and `inflate` of the config; "
            f"{len(problems)} name(s) do not fit\n{bullet_list(problems)}"
        )


EXPECTED: dict[Part, str] = {
    "rgb": "a SlowOnly of MMAction2 or PYSKL for model.rgb.weights",
    "pose": "a PoseC3D of MMAction2 or PYSKL for model.pose.weights",
    "sequence": "a best.ckpt of ours for model.sequence.weights",
    "fusion": "an RGBPoseConv3D of MMAction2 or PYSKL (mode: concat, stages: [s2, s3]) for model.fusion.weights",
}
