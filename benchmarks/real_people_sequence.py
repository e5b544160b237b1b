"""The sequence stream as a row: trained and tested without the workflow, on keypoints in memory.

`benchmarks/results/real_people_choices.md` says what was tried for the recipe, and how far the choice can be trusted.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.real_people_rows import Scores, Task
from camfuse.config import Model, SequenceAugment, SequenceStream
from camfuse.data.sequence import evenly, mirror, normalise
from camfuse.data.sequence_augment import augmented
from camfuse.data.sequence_channels import features
from camfuse.model.recogniser import Recogniser, build_recogniser

Array = NDArray[np.float32]
FRAMES, BATCH, RATE, DECAY, SMOOTHING = 48, 16, 2e-3, 0.05, 0.1
VIEWS_PER_CLIP = 240
"""How often each training clip is seen; at least `LEAST_STEPS` and at most `MOST_STEPS` batches."""
LEAST_STEPS, MOST_STEPS = 600, 4000
MIXUP = 0.3
"""Of the beta distribution by whose draws clips and their labels are mixed."""
SPANS = ((0.0, 1.0), (0.0, 0.9), (0.1, 1.0), (0.05, 0.95), (0.08, 0.92))
"""Parts of a clip, as shares of its length, over which a test clip's probabilities are averaged."""
AUGMENT = SequenceAugment()
MODEL = Model(rgb=None, pose=None, fusion=None, sequence=SequenceStream())


def sequence_stream(task: Task, seed: int) -> Scores:
    """Train a recogniser on the task's clips and return the probabilities of its test clips."""
    model = trained(task, seed)
    return predict(model, [normalise(clip) for clip in task.test])


def trained(task: Task, seed: int, start: Mapping[str, Tensor] | None = None) -> Recogniser:
    """Return a recogniser of one sequence stream, trained on the task's clips from the stream's weights `start`."""
    torch.manual_seed(seed)
    model = build_recogniser(MODEL, num_classes=task.classes, part="sequence")
    if start is not None and model.sequence is not None:
        model.sequence.load_state_dict(start)
    fit(model, [normalise(clip) for clip in task.train], task.labels, task.classes, seed)
    return model


def fit(model: Recogniser, clips: list[Array], labels: NDArray[np.int64], classes: int, seed: int) -> None:
    """Train a model in place on the points of clips."""
    rng = np.random.default_rng(seed)
    steps = int(np.clip(len(clips) * VIEWS_PER_CLIP // BATCH, LEAST_STEPS, MOST_STEPS))
    optimizer = torch.optim.AdamW(model.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    wanted = torch.eye(classes)[torch.from_numpy(labels)]
    model.train()
    for _ in range(steps):
        x, targets = drawn(clips, wanted, rng)
        loss = nn.functional.cross_entropy(model(sequence=x)["sequence"], targets, label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def drawn(clips: list[Array], wanted: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return a batch of new versions of clips, mixed (B, F, frames), and the classes wanted of them (B, classes)."""
    chosen = rng.integers(0, len(clips), BATCH)
    x = torch.from_numpy(features(np.stack([augmented(clips[clip], FRAMES, AUGMENT, rng) for clip in chosen])))
    share, other = float(rng.beta(MIXUP, MIXUP)), rng.permutation(BATCH)
    return share * x + (1 - share) * x[other], share * wanted[chosen] + (1 - share) * wanted[chosen[other]]


@torch.no_grad()
def predict(model: Recogniser, clips: list[Array]) -> Scores:
    """Return the probabilities (clips, classes), the mean over parts of each clip and their mirror images."""
    found = [model(sequence=view)["sequence"].softmax(1) for view in views(clips, mirrored=True)]
    return torch.stack(found).mean(0).numpy()


def views(clips: list[Array], *, mirrored: bool) -> list[Tensor]:
    """Return what a test sees of clips, (clips, F, frames) each: parts of each clip, and their mirror images."""
    turns: tuple[Callable[[Array], Array], ...] = (lambda clip: clip, mirror) if mirrored else (lambda clip: clip,)
    return [
        torch.from_numpy(features(np.stack([evenly(turn(clip), FRAMES, start=start, end=end) for clip in clips])))
        for turn in turns
        for start, end in SPANS
    ]
