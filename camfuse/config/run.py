"""Config of test, report and machine, of further runs on the same shards, and of a whole run."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_serializer, model_validator

from camfuse.config.base import Positive, Section, Weight
from camfuse.config.estimators import Pose
from camfuse.config.model import FusionMode, FusionStage, Model, Sampling
from camfuse.config.prep import Crops, Frames, Heatmaps
from camfuse.config.sources import Clips
from camfuse.config.train import Train

Head = Literal["rgb", "pose", "sequence", "joint"]
"""What gives probabilities in a fused model: each stream, and the joint head."""
ChosenWeights = Literal["tuned", "likelihood"]


class Evaluate(Section):
    """The test."""

    renamed: ClassVar[Mapping[str, str]] = {"clips": "samplings"}

    samplings: Positive = 10
    """Samplings per clip whose probabilities are averaged (10 as PYSKL)."""
    weights: Annotated[tuple[Weight, ...], Field(min_length=2)] | dict[Head, Weight] | ChosenWeights = (1.0, 1.0, 1.0)
    """Weights of the probabilities in `fused` and in late fusion: of each stream that there is (rgb, pose, sequence),
    then of the joint head; [1, 1, 0] is RGBPoseConv3D's own, the default means equal ones. Or by name, 1 for a head
    that is not named: {sequence: 3}. Or chosen on val: tuned, the multiples of 0.1 with most clips right; likelihood,
    those under which val is most likely, so that a weak head gets next to nothing. The training's epoch is then chosen
    by equal weights."""
    false_accepts: float = Field(default=0.1, gt=0, lt=1)
    """Share of unknown signs that may pass for known ones: by it the threshold of "no known sign" is chosen on val."""

    @property
    def chooses_weights(self) -> bool:
        """Whether the weights are chosen on val."""
        return isinstance(self.weights, str)


class Report(Section):
    """The HTML page."""

    title: str = "CAMFuse"
    """Heading of the report."""
    examples: int = Field(default=6, ge=0)
    """Clips drawn with skeleton and heatmap."""


class Machine(Section):
    """What changes speed, never a result; not part of any fingerprint."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where training and evaluation run."""
    devices: Positive = 1
    """GPUs (or CPU processes) per node to train on; batch norm is synchronised. A step then has `batch` clips of each:
    this key and `nodes`, unlike the others here, change what is learnt."""
    nodes: Positive = 1
    """Machines to train on, each with `devices`; start one process per device yourself (docs/cluster.md)."""
    save_steps: int = Field(default=500, ge=0)
    """Steps between saved states within an epoch: what a killed training can lose. 0 saves after each epoch only."""
    recompute: bool = False
    """Forget the activations inside the streams' blocks and compute them again in the backward pass: less memory for
    about a third more time; the same bits on a CPU."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Compile the network (torch.compile): the same to rounding, in fewer kernels. `auto`: on one GPU, for trainings
    and tests that see 100,000 clips or more over all epochs or samplings (200,000 for a test in 16 bits), as compiling
    takes minutes. Not beside `recompute`."""
    compile_cache: Path = Path("compile_cache")
    """Folder of compiled kernels, for the next training."""
    threads: Positive = 2
    """CPU threads of training, evaluation, `pose.mmpose` and `pose.rtmlib`: a fixed number, as sums round differently
    with another."""
    workers: int = Field(default=0, ge=0)
    """Loader processes; 0 loads in the training process."""
    weights: Path = Path("weights")
    """Folder of fetched weights (`camfuse weights`) and of networks exported from them."""
    pose_batch: Positive = 8
    """Frames that `pose.mmpose` and `pose.rtmlib` take at once."""
    patience: float = Field(default=600, gt=0)
    """Seconds that ffmpeg or the pose estimator may take for the next frame. Who takes longer hangs: it is ended, and
    its clip is one that cannot be processed (`bad_clips`)."""
    log_level: Literal["debug", "info", "warning"] = "info"
    """How much the files under `logs` say."""
    evaluate_batch: Positive = 8
    """Clips that evaluation takes at once."""


class Overrides(Section):
    """What an experiment changes of the main run: any keys of these sections, none of a data stage."""

    seed: int | None = None
    """Another seed."""
    sampling: dict[str, Any] | None = None
    """Keys of `sampling` with their other values."""
    model: dict[str, Any] | None = None
    """Keys of `model` with their other values."""
    train: dict[str, Any] | None = None
    """Keys of `train` with their other values."""
    evaluate: dict[str, Any] | None = None
    """Keys of `evaluate` with their other values."""

    @model_validator(mode="before")
    @classmethod
    def _keeps_the_shards(cls, values: Any) -> Any:
        shared = Config.model_fields.keys() - cls.model_fields.keys()
        if isinstance(values, dict) and (found := [f"`{key}`" for key in values if key in shared]):
            raise ValueError(
                f"an experiment may change {', '.join(cls.model_fields)}; {', '.join(found)} it shares with the main "
                "run, as it does the shards: what needs others is a config of its own with an `output` of its own"
            )
        return Config.with_new_names(values) if isinstance(values, dict) else values

    @model_serializer
    def given(self) -> dict[str, Any]:
        """Return the changed keys as nested plain values; a null is a change too."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


RESERVED = ("main", "train")
"""Names that no experiment may have: the main run's row, and the folder of the trainings."""


def _experiment_names(experiments: dict[str, Overrides]) -> dict[str, Overrides]:
    for name in experiments:
        if name in RESERVED or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(
                "an experiment's name is a folder: letters, digits, _ - . and none of "
                f"{', '.join(RESERVED)}; found {name!r}"
            )
    return experiments


ComparedRow = Literal["rgb", "pose", "sequence", "late", "fused"]
"""The rows of the result table that several runs are compared by."""


class Ablation(Section):
    """The matrix of `snakemake ablation`: each seed's two streams once, and on them every mode at all `stages`."""

    modes: tuple[FusionMode, ...] = ("none", "divided")
    """Values of `model.fusion.mode`."""
    stages: tuple[tuple[FusionStage, ...], ...] = ()
    """Values of `model.fusion.stages` (not for mode none, which has none); left out, the main run's alone."""
    streams: tuple[ComparedRow, ...] = ("rgb", "pose", "sequence", "late", "fused")
    """Rows of the table, as far as the model has them: each stream alone, the mean of all, fused by each mode. Without
    `fused` no fusion is trained."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (1, 2, 3)
    """Values of `seed`; the table gives mean and spread over them."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in type(self).model_fields:
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: expected each value once, found {list(values)}")
        if not self.streams or ("fused" in self.streams and not self.modes):
            raise ValueError("expected at least one of `streams`, and for `fused` one of `modes`")
        return self


def _path_for_snakemake(path: Path) -> Path:
    """Refuse what Snakemake or a line of a log cannot hold in a path."""
    if found := sorted({character for character in str(path) if character in "{}" or not character.isprintable()}):
        raise ValueError(f"Snakemake takes braces for wildcards, and control characters break lines: remove {found}")
    return path


class Config(Section):
    """The whole config of one run."""

    output: Annotated[Path, AfterValidator(_path_for_snakemake)] = Path("results/run")
    """Folder of everything this run makes."""
    seed: int = Field(default=1, ge=0)
    """Seed of every random number in training and evaluation."""
    recipe: Literal["auto"] | None = None
    """auto: what this config does not say of model, training and machine fits the number of clips and this machine
    (docs/recipe.md); the resolved config says what that came to. Null: the defaults of this table, the paper's."""
    bad_clips: Literal["stop", "skip"] = "stop"
    """A clip that cannot be decoded or shows nobody stops its shard (the others continue), or is left out and
    listed."""
    clips: Clips
    """Data source."""
    frames: Frames = Frames()
    """Frame extraction."""
    pose: Pose
    """Pose estimation."""
    crops: Crops = Crops()
    """Crops."""
    heatmaps: Heatmaps = Heatmaps()
    """Heatmaps."""
    sampling: Sampling = Sampling()
    """Frame sampling."""
    model: Model = Model()
    """Model."""
    train: Train = Train()
    """Training."""
    evaluate: Evaluate = Evaluate()
    """Evaluation."""
    report: Report = Report()
    """Report."""
    experiments: Annotated[dict[str, Overrides], AfterValidator(_experiment_names)] = Field(default={})
    """Further runs on the same shards, by name: what each changes of `seed`, `sampling`, `model`, `train` and
    `evaluate`, as in `{small: {model: {fusion: {width: 64}}}}`. Trainings that are the same run once."""
    ablation: Ablation | None = None
    """The matrix of `snakemake ablation`."""
    machine: Machine = Machine()
    """Speed and place."""

    @property
    def heads(self) -> int:
        """Number of the fused model's heads: one for each stream, and the joint one."""
        return len(self.model.streams) + 1

    @property
    def training_weights(self) -> tuple[float, ...]:
        """The weights that the fused model's best epoch is chosen by: nothing is tuned while it trains."""
        given = self.evaluate.weights
        if isinstance(given, dict):
            heads: tuple[Head, ...] = (*self.model.streams, "joint")
            return tuple(given.get(head, 1.0) for head in heads)
        if isinstance(given, str) or given == Evaluate.model_fields["weights"].default:
            return (1.0,) * self.heads
        return tuple(float(weight) for weight in given)

    @model_validator(mode="after")
    def _letters_are_not_tested(self) -> Self:
        # to train on their recordings once more is no leak, so only a split that is looked at counts here
        sequence, source = self.model.sequence, self.clips.fingerspelling
        if sequence and sequence.weights == "letters" and source and (source.languages.val or source.languages.test):
            raise ValueError(
                "model.sequence.weights: letters were trained on all recordings of clips.fingerspelling, "
                "of its val and test too: set `weights: null`"
            )
        return self

    @model_validator(mode="after")
    def _a_weight_for_each_head(self) -> Self:
        if (found := len(self.training_weights)) != self.heads:
            names = ", ".join([*self.model.streams, "joint"])
            raise ValueError(f"evaluate.weights: expected {self.heads} numbers ({names}), found {found}")
        if not any(self.training_weights):
            raise ValueError("evaluate.weights: expected at least one number above 0, found only 0")
        return self
