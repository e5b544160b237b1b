"""Config of the recipe."""

from typing import Literal

from pydantic import Field

from camfuse.config.base import Fraction, Positive, Section


class Augment(Section):
    """One affine per clip for both streams, and colours for RGB."""

    scale: tuple[float, float] = (0.85, 1.15)
    """Range of the zoom factor."""
    rotate: float = Field(default=10.0, ge=0)
    """Largest rotation to either side, in degrees."""
    shift: float = Field(default=0.08, ge=0)
    """Largest shift in x and y, as a fraction of the crop's side."""
    mirror: Fraction = 0.0
    """Probability to mirror; off because signs have handedness."""
    colour: Fraction = 0.2
    """Largest relative change of brightness, contrast and saturation."""
    span: Fraction = 0.9
    """Shortest share of the clip that the frames are drawn from (temporal jitter)."""
    joint_dropout: Fraction = 0.0
    """Probability to hide a keypoint for the whole clip."""
    mixup: float = Field(default=0.0, ge=0)
    """Mix each clip, both streams and label, with another of its batch; the share is drawn from Beta(mixup, mixup).
    0 is off (the base code); 0.2 is MMAction2's MixupBlending (Zhang et al., ICLR 2018)."""


class Phase(Section):
    """One of the recipe's trainings."""

    epochs: Positive
    """Passes over the training clips, each repeated `repeat` times."""
    repeat: Positive = 10
    """Times a clip is seen per epoch, each time sampled and augmented anew."""
    batch: Positive
    """Clips per step on one device."""
    accumulate: Positive = 1
    """Batches whose gradients make one step, where a larger `batch` does not fit; batch norm sees each one alone."""
    class_balance: Fraction = 0.0
    """0: each clip is seen equally often; 1: each class. Between, a class with n clips is drawn with probability ~
    n^(1 - class_balance), 0.5 being the square root (Kang et al., ICLR 2020). Clips per epoch stay as many."""
    rate: float = Field(gt=0)
    """Learning rate at `base_batch` clips per step; scaled linearly to batch x accumulate x devices."""
    base_batch: Positive
    """Clips per step that `rate` is meant for."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """SGD with momentum 0.9 (Nesterov off) as the base code, or AdamW."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """Weight decay; not on norms and biases."""
    schedule: Literal["cosine", "step"] = "cosine"
    """Cosine to 0, or x0.1 at 60 % and 80 % of the epochs."""
    warmup: Fraction = 0.05
    """Share of the steps with a linearly rising rate."""
    clip_norm: float = Field(default=40.0, gt=0)
    """Largest gradient norm."""
    label_smoothing: Fraction = 0.1
    """Of the cross-entropy."""
    keep: Literal["last"] | None = None
    """last: keep the last epoch, whatever val says: where val is a handful of clips, its best epoch is chance. Null:
    the best on val."""
    ema: float = Field(default=0.0, ge=0, lt=1)
    """Decay per step of the weights' moving average, which validation and the best checkpoint then use; 0 is off (the
    base code), 0.999 is usual. In step n at most (1 + n) / (10 + n), as TensorFlow's ExponentialMovingAverage."""


class SequenceAugment(Section):
    """How the keypoints of a clip are changed in training; places in units of the shoulders' distance."""

    mirror: Fraction = 0.5
    """Probability to mirror. Above 0, every second test sampling is mirrored too. Signers of either hand are met, and
    few signs differ by the hand alone."""
    cut: Fraction = 0.15
    """Longest part that is cut off at each end, as a share of the clip."""
    warp: Fraction = 0.3
    """How uneven time runs: 0 even, 1 a moment may stand still."""
    rotate: float = Field(default=15.0, ge=0)
    """Largest rotation of the whole signer about the shoulders' middle to either side, in degrees."""
    hand_rotate: float = Field(default=10.0, ge=0)
    """Likewise of each hand about its wrist."""
    scale: float = Field(default=0.2, ge=0)
    """Logarithm of the largest zoom of the whole signer."""
    stretch: float = Field(default=0.1, ge=0)
    """Logarithm of the largest zoom of x against y."""
    shift: float = Field(default=0.1, ge=0)
    """Standard deviation of the whole signer's place."""
    hand_shift: float = Field(default=0.05, ge=0)
    """Likewise of each hand's."""
    jitter: float = Field(default=0.01, ge=0)
    """Likewise of each point's in each frame."""
    hide: Fraction = 0.3
    """Probability, per hand, that it is hidden for up to a quarter of the clip."""
    drop: Fraction = 0.0
    """Probability that a point is hidden in the whole clip."""
    mixup: float = Field(default=0.3, ge=0)
    """As `train.augment.mixup`, in the stream's own training."""


class Train(Section):
    """The recipe: each stream alone, then merged and fine-tuned with ST-CAF."""

    rgb: Phase = Phase(epochs=18, batch=12, rate=0.15, base_batch=96)
    """RGB stream alone (RGBPoseConv3D rgb_only: 0.15 at 96 clips, 18 x 10 epochs)."""
    pose: Phase = Phase(epochs=18, batch=16, rate=0.2, base_batch=128, weight_decay=3e-4)
    """Pose stream alone (RGBPoseConv3D pose_only: 0.2 at 128 clips, 18 x 10 epochs)."""
    fusion: Phase = Phase(epochs=20, batch=6, rate=0.0075, base_batch=48, schedule="step")
    """Both, merged (RGBPoseConv3D: 0.0075 at 48 clips, 20 epochs, steps at 12 and 16)."""
    sequence: Phase = Phase(
        epochs=24, repeat=10, batch=16, rate=0.002, base_batch=16, optimizer="adamw", weight_decay=0.05, warmup=0.3
    )
    """Sequence stream alone, where there is one: each clip is seen 240 times."""
    new_rate: float = Field(default=10.0, gt=0)
    """Factor on the rate of ST-CAF and the joint head, which start from nothing, in `fusion`."""
    augment: Augment = Augment()
    """Augmentation of the training clips."""
    unknown_words: tuple[str, ...] | None = None
    """Labels that are not trained. Their clips of val and test are, for `evaluate`, signs that the model does not know:
    they choose the threshold of "no known sign" (val) and say how well it tells them from known ones (test)."""
    sequence_augment: SequenceAugment = SequenceAugment()
    """Augmentation of the training clips' keypoints for the sequence stream."""
    validation: bool = True
    """Validate after every epoch and keep the best (highest val top-1, then lowest loss); false keeps the last."""
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "auto"] = "32-true"
    """Arithmetic of training and test. `auto`: bf16-mixed on a GPU or CPU that computes in bf16 itself (on Linux, a CPU
    with the flag avx512_bf16 or amx_bf16), 32-true elsewhere; a run moved to another machine is not trained again."""
    tf32: bool = False
    """Let CUDA round f32 products to TF32 (a peer's training died of it silently); logged."""
