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
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader
from tqdm import tqdm

from camfuse.config import Config, Part
from camfuse.data.batch import collate, dense, inputs_of, samplings_of, to_device, unpacked
from camfuse.data.dataset import ClipDataset, Sample, single_threaded
from camfuse.errors import WeightsError
from camfuse.model.checkpoint import Checkpoint, load_trained
from camfuse.model.compiled import WORTH_IT, WORTH_IT_FOLDED, compile_network, compiles
from camfuse.model.device import TYPES, arithmetic, pick_device, precision_on, set_tf32, to_memory_format
from camfuse.model.folded import fold, folds
from camfuse.model.frames import begin_frames, clips_of
from camfuse.model.recogniser import Recogniser
from camfuse.prep.heatmaps import STRIDE
from camfuse.skeleton import NUM_KEYPOINTS

Head = tuple[Part, str]
"""A head and the training that it comes from: ("fusion", "joint")."""
Models = Mapping[Part, Recogniser]
BYTES_PER_INPUT = 12
"""Memory of a forward pass per byte of its inputs, with room to spare: in 16 bits at full size an H200 took 7."""

ON_A_CPU, ON_A_CPU_BY_FRAME = 1, 2
"""Samplings of a pass on a CPU: of whole samplings, and where each frame is looked at once."""

EAGER_ATTENTION = (SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH)
"""Attention's kernels but for cuDNN's, which plans half a second for each shape: 3.5 s of the fused network's first
batch (H200), as much as the test of 250 clips takes."""


@dataclass(frozen=True)
class Replica:
    """The models on one device.

    Attributes
    ----------
    device
        Where they are.
    models
        By the training that they come from.
    whole
        Clips of the batches that compiled models take; others go through the same layers uncompiled, as each size
        would be compiled anew. 0: nothing is compiled.
    """

    device: torch.device
    models: Models
    whole: int


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
    """Run all models over the clips in one pass, as `Predictor` does."""
    return Predictor(config, trained).predict(dataset)


class Predictor:
    """Trained models on their devices, for one data set after the other.

    Parameters
    ----------
    config
        The run's config.
    trained
        The models by their part.
    """

    def __init__(self, config: Config, trained: Mapping[Part, Checkpoint]) -> None:
        set_tf32(config)
        self._config = config
        self._trained = trained
        self._devices = _devices(config)
        self._replicas: dict[bool, list[Replica]] = {}

    def predict(self, dataset: ClipDataset) -> HeadPredictions:
        """Run all models over the clips in one pass.

        A fused model that is given one of its inputs only (a data set of one stream's part) has that stream's head
        alone.
        """
        config = self._config
        heads: dict[Head, list[Tensor]] = {}
        labels: list[Tensor] = []
        with ExitStack() as stack:
            bar = stack.enter_context(tqdm(total=len(dataset), desc="evaluate", unit="clip", mininterval=1.0))
            # the loaders begin before the models are there
            batches = iter(_batches(config, dataset, pinned=self._devices[0].type == "cuda"))
            worth_it = WORTH_IT if _folded_type(config, self._devices[0]) is None else WORTH_IT_FOLDED
            compiled = compiles(config, len(dataset) * dataset.samplings, worth_it)
            if not compiled:
                stack.enter_context(sdpa_kernel(list(EAGER_ATTENTION)))
            for label, found in _run(config, batches, self._models(compiled=compiled)):
                labels.append(label)
                for head, probabilities in found.items():
                    heads.setdefault(head, []).append(probabilities)
                bar.update(len(label))
        of = {head: torch.cat(parts) for head, parts in heads.items()}
        return HeadPredictions(dataset.clips, torch.cat(labels), of)

    def _models(self, *, compiled: bool) -> list[Replica]:
        if compiled not in self._replicas:
            self._replicas[compiled] = _replicas(self._config, self._trained, self._devices, compiled=compiled)
        return self._replicas[compiled]


def _devices(config: Config) -> list[torch.device]:
    """Return all GPUs of the config, or the CPU once."""
    kind = pick_device(config)
    return [torch.device(kind, i) for i in range(config.machine.devices)] if kind == "cuda" else [torch.device(kind)]


def _replicas(
    config: Config, trained: Mapping[Part, Checkpoint], devices: Sequence[torch.device], *, compiled: bool
) -> list[Replica]:
    """Put the models on each device."""
    replicas = []
    for device in devices:
        models = {part: to_memory_format(one.recogniser(device), config, device.type) for part, one in trained.items()}
        dtype = _folded_type(config, device)
        if dtype is not None and not compiled:
            models = {part: fold(model, dtype) for part, model in models.items()}
        if compiled:
            for model in models.values():
                compile_network(model, config)
        replicas.append(Replica(device, models, config.machine.evaluate_batch if compiled else 0))
    return replicas


def _folded_type(config: Config, device: torch.device) -> torch.dtype | None:
    """Return what a test that folds computes in on a device; None where none folds."""
    dtype = TYPES.get(precision_on(config, device.type))
    return dtype if dtype is not None and folds(device) else None


def _run(
    config: Config, batches: Iterator[Sample], replicas: Sequence[Replica]
) -> Iterator[tuple[Tensor, dict[Head, Tensor]]]:
    """Yield labels and probabilities batch by batch, in order; the devices take turns, each in a thread of its own."""
    with ExitStack() as stack:
        pools = [stack.enter_context(ThreadPoolExecutor(1)) for _ in replicas]
        waiting: deque[Future[tuple[Tensor, dict[Head, Tensor]]]] = deque()
        for number, batch in enumerate(batches):
            turn = number % len(replicas)
            waiting.append(pools[turn].submit(_batch_probabilities, config, replicas[turn], batch))
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
def _batch_probabilities(config: Config, replica: Replica, batch: Sample) -> tuple[Tensor, dict[Head, Tensor]]:
    """Return the labels, and each head's probabilities (B, C) on the CPU: the mean over the clip's V samplings.

    What is stored is unpacked once. Compiled models take whole samplings; others look once at each frame.
    """
    device = replica.device
    there = unpacked(to_device(batch, device), config)
    clips, samplings = len(batch["label"]), samplings_of(there)
    by_frame = not replica.whole and ("images" in there or "volume" in there)
    total: dict[Head, Tensor] = {}
    for part, logits in _by_frame(config, replica, there) if by_frame else _by_sampling(config, replica, there):
        for head, values in logits.items():
            probabilities = values.float().softmax(1).unflatten(0, (clips, -1)).sum(1)  # (B v, C) -> (B, C)
            total[part, head] = total[part, head] + probabilities if (part, head) in total else probabilities
    return batch["label"], {head: (values / samplings).cpu() for head, values in total.items()}


def _by_sampling(config: Config, replica: Replica, there: Sample) -> Iterator[tuple[Part, dict[str, Tensor]]]:
    """Yield each model's logits (B v, C) of some samplings after the other."""
    device, clips, samplings = replica.device, len(there["label"]), samplings_of(there)
    at_once = _samplings_at_once(config, device, clips, samplings, on_a_cpu=ON_A_CPU)
    for first in range(0, samplings, at_once):
        inputs = inputs_of(dense(there, config, slice(first, first + at_once)))
        for part, model in replica.models.items():
            with arithmetic(config, device):
                logits = model(**inputs) if replica.whole in (0, clips) else model.forward(**inputs)
            yield part, logits


def _by_frame(config: Config, replica: Replica, there: Sample) -> Iterator[tuple[Part, dict[str, Tensor]]]:
    """Yield the same, looking once at each frame that several samplings show."""
    clips, samplings = len(there["label"]), samplings_of(there)
    at_once = _samplings_at_once(config, replica.device, clips, samplings, on_a_cpu=ON_A_CPU_BY_FRAME)
    for part, model in replica.models.items():
        with arithmetic(config, replica.device):
            frames = begin_frames(model, there.get("images"), there.get("volume"))
        for first in range(0, samplings, at_once):
            some = slice(first, first + at_once)
            names = [name for name in ("rgb_frames", "pose_frames", "sequence") if name in there]
            shown = {name: there[name][:, some].flatten(0, 1) for name in names}
            begun = clips_of(frames, shown.get("rgb_frames"), shown.get("pose_frames"))
            with arithmetic(config, replica.device):
                logits = model.read(model.finish(begun, shown.get("sequence")))
            yield part, logits


def _samplings_at_once(config: Config, device: torch.device, clips: int, samplings: int, *, on_a_cpu: int) -> int:
    """Return how many samplings of `clips` clips half of a GPU's free memory has room for, in passes of one size."""
    if device.type != "cuda":
        return on_a_cpu
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # kept from the batch before
    size, sampling = config.crops.size, config.sampling
    rgb, pose = 3 * sampling.rgb_frames * size**2, NUM_KEYPOINTS * sampling.pose_frames * (size // STRIDE) ** 2
    room = (free + unused) // 2 // (BYTES_PER_INPUT * (rgb + pose) * clips)
    return max(count for count in range(1, samplings + 1) if samplings % count == 0 and count <= max(1, room))
