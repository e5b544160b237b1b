"""Trained recognisers at work: every clip sampled several times, each head's probabilities averaged."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from camfuse.config import Config, Part
from camfuse.data.batch import collate, inputs_of, to_device, with_heatmaps
from camfuse.data.dataset import ClipDataset, Sample, single_threaded
from camfuse.errors import WeightsError
from camfuse.model.checkpoint import Checkpoint, load_trained
from camfuse.model.device import arithmetic, pick_device, set_tf32, to_memory_format
from camfuse.model.recogniser import Recogniser

Head = tuple[Part, str]
"""A head and the training that it comes from: ("fusion", "joint")."""
Models = Mapping[Part, Recogniser]


@dataclass(frozen=True)
class HeadPredictions:
    """What every head makes of every clip.

    Attributes
    ----------
    clips
        n rows of the clip table.
    labels
        (n,) int64, class indices.
    heads
        Probabilities (n, C) float32 on the CPU.
    """

    clips: pd.DataFrame
    labels: Tensor
    heads: Mapping[Head, Tensor]

    def of(self, part: Part) -> dict[str, Tensor]:
        """Return the heads of one training, by name."""
        return {head: values for (found, head), values in self.heads.items() if found == part}


def load_checkpoints(config: Config, paths: Mapping[Part, Path], classes: Sequence[str]) -> dict[Part, Checkpoint]:
    """Read the checkpoints of several trainings.

    Raises
    ------
    WeightsError
        If there are none, or one is missing or was trained for other classes or under another config.
    """
    parts = config.model.parts
    if unknown := paths.keys() - set(parts):
        raise WeightsError(f"expected checkpoints of {', '.join(parts)}, found {', '.join(sorted(unknown))}")
    if not paths:
        raise WeightsError(f"expected a checkpoint of at least one of {', '.join(parts)}, found none")
    return {part: load_trained(paths[part], part, config, classes) for part in parts if part in paths}


def predict(config: Config, dataset: ClipDataset, trained: Mapping[Part, Checkpoint]) -> HeadPredictions:
    """Run all models over the clips in one pass.

    A fused model that is given one of its inputs only (a data set of one stream's part) has that stream's head alone.
    """
    set_tf32(config)
    heads: dict[Head, list[Tensor]] = {}
    labels: list[Tensor] = []
    with tqdm(total=len(dataset), desc="evaluate", unit="clip", mininterval=1.0) as bar:
        for label, found in _run(config, dataset, _replicas(config, trained)):
            labels.append(label)
            for head, probabilities in found.items():
                heads.setdefault(head, []).append(probabilities)
            bar.update(len(label))
    return HeadPredictions(dataset.clips, torch.cat(labels), {head: torch.cat(parts) for head, parts in heads.items()})


def _replicas(config: Config, trained: Mapping[Part, Checkpoint]) -> list[tuple[torch.device, Models]]:
    """Put the models on each device: all GPUs of the config, or the CPU once."""
    kind = pick_device(config)
    devices = [torch.device(kind, i) for i in range(config.machine.devices)] if kind == "cuda" else [torch.device(kind)]
    return [
        (device, {part: to_memory_format(one.recogniser(), config).to(device) for part, one in trained.items()})
        for device in devices
    ]


def _run(
    config: Config, dataset: ClipDataset, replicas: Sequence[tuple[torch.device, Models]]
) -> Iterator[tuple[Tensor, dict[Head, Tensor]]]:
    """Yield labels and probabilities batch by batch, in order; the devices take turns, each in a thread of its own."""
    batches = _batches(config, dataset, pinned=replicas[0][0].type == "cuda")
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(1)) for _ in replicas]
        waiting: deque[Future[tuple[Tensor, dict[Head, Tensor]]]] = deque()
        for number, batch in enumerate(batches):
            turn = number % len(replicas)
            waiting.append(pools[turn].submit(_batch_probabilities, config, *replicas[turn], batch))
            if len(waiting) > len(replicas):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _batches(config: Config, dataset: ClipDataset, *, pinned: bool) -> DataLoader[Sample]:
    workers = config.machine.workers
    return DataLoader(
        dataset,
        batch_size=config.machine.evaluate_batch,
        num_workers=workers,
        worker_init_fn=single_threaded if workers else None,
        pin_memory=pinned,
        collate_fn=collate,
    )


@torch.inference_mode()
def _batch_probabilities(
    config: Config, device: torch.device, models: Models, batch: Sample
) -> tuple[Tensor, dict[Head, Tensor]]:
    """Return the labels, and each head's probabilities (B, C) on the CPU: the mean over the clip's V samplings.

    One sampling of all clips at a time, so that memory does not grow with V; each is made once for all models.
    """
    there = to_device(batch, device)
    samplings = next(there[key].shape[1] for key in ("rgb", "pose_frames", "heatmaps", "sequence") if key in there)
    total: dict[Head, Tensor] = {}
    for number in range(samplings):
        dense = with_heatmaps(there, config, number)
        inputs = inputs_of(dense)
        for part, model in models.items():
            with arithmetic(config, device):
                logits = model(**inputs)
            for head, values in logits.items():
                probabilities = values.float().softmax(1)
                total[part, head] = total[part, head] + probabilities if (part, head) in total else probabilities
    return batch["label"], {head: (values / samplings).cpu() for head, values in total.items()}
