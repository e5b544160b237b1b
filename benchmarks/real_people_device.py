"""Trainings of the package's network in memory, many side by side on one GPU: no files, no loaders, no Lightning.

Network, fusion, optimizer and schedule are the package's. A GPU replays each step as one graph; a CPU can do the same
in a hundred times the time.
"""

import io
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from benchmarks.real_people_batches import SAMPLINGS, Clips, Setting, draw, inputs
from camfuse.config import Model, Phase
from camfuse.model.device import channels_last
from camfuse.model.initial import merge_streams
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.train.optimizer import build_optimizer, rate_factor


class Training:
    """One part in training, a step at a time.

    Parameters
    ----------
    clips
        The data.
    part
        A stream, or fusion.
    model
        The config's section.
    train, labels
        Rows of the training clips and the class of every clip.
    phase
        Optimizer, rate, batch.
    setting
        Of the data; `setting.views` is how often each clip is seen.
    """

    def __init__(
        self,
        clips: Clips,
        part: str,
        model: Model,
        train: NDArray[np.int64],
        labels: NDArray[np.int64],
        classes: int,
        phase: Phase,
        setting: Setting,
        seed: int,
        states: Mapping[str, Any] | None = None,
    ) -> None:
        self.clips, self.part, self.setting, self.phase, self.mixup = clips, part, setting, phase, setting.mixup
        self.train, self.labels, self.classes = train, labels, classes
        self.streams: tuple[str, ...] = model.streams if part == "fusion" else (part,)
        self.rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        network = build_recogniser(model, num_classes=classes, part=part)  # type: ignore[arg-type]
        if states:
            merge_streams(network, states)  # type: ignore[arg-type]
        self.gpu = clips.device.type == "cuda"
        self.half = part != "sequence" and (self.gpu or clips.half)
        if self.half:
            network = channels_last(network, torch.bfloat16)
        self.network: Recogniser = network.to(clips.device).train()
        self.steps = max(1, len(train) * setting.views // phase.batch)
        self.done = 0
        new_rate = 10.0 if part == "fusion" else 1.0
        self.optimizer = build_optimizer(self.network, phase, rate=phase.rate, new_rate=new_rate)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.gpu:
            for group in self.optimizer.param_groups:
                group["lr"] = torch.tensor(float(group["lr"]), device=clips.device)
                group["capturable"] = True
        self.stream = torch.cuda.Stream() if self.gpu else None
        self.graph: Any = None
        self.static: dict[str, Tensor] = {}
        self.order = np.empty(0, np.int64)
        self.replayed = False
        self.graphs = True

    def _next_rows(self) -> NDArray[np.int64]:
        while len(self.order) < self.phase.batch:
            self.order = np.concatenate([self.order, self.rng.permutation(self.train)])
        rows, self.order = self.order[: self.phase.batch], self.order[self.phase.batch :]
        return rows

    def _arrays(self) -> dict[str, NDArray[Any]]:
        rows = self._next_rows()
        arrays = draw(self.clips, rows, self.setting, self.streams, True, self.rng)
        targets = np.eye(self.classes, dtype=np.float32)[self.labels[rows]]
        share, other = 1.0, np.arange(len(rows))
        if self.mixup:
            share, other = float(self.rng.beta(self.mixup, self.mixup)), self.rng.permutation(len(rows))
        arrays["targets"] = share * targets + (1 - share) * targets[other]
        arrays["share"], arrays["other"] = np.array(share, np.float32), other
        factor = rate_factor(self.done, self.steps, self.phase)
        arrays["rates"] = np.array([rate * factor for rate in self.rates], np.float32)
        return arrays

    def _compute(self) -> None:
        fields = inputs(self.clips, self.static, self.setting)
        if self.mixup:
            share, other = self.static["share"], self.static["other"]
            fields = {name: torch.lerp(x[other], x, share.to(x.dtype)) for name, x in fields.items()}
        with self._arithmetic():
            logits = self.network(**fields)
        losses = [
            functional.cross_entropy(one.float(), self.static["targets"], label_smoothing=self.phase.label_smoothing)
            for one in logits.values()
        ]
        torch.stack(losses).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.phase.clip_norm)
        self.optimizer.step()

    def _arithmetic(self) -> Any:
        return torch.autocast(self.clips.device.type, torch.bfloat16) if self.half else nullcontext()

    def _fill(self) -> None:
        for name, array in self._arrays().items():
            value = torch.from_numpy(np.ascontiguousarray(array))
            if self.gpu:
                value = value.pin_memory()
            if name not in self.static:
                self.static[name] = value.to(self.clips.device)
            else:
                self.static[name].copy_(value, non_blocking=True)
        rates = self.static["rates"]
        for number, group in enumerate(self.optimizer.param_groups):
            if self.gpu:
                group["lr"].copy_(rates[number])
            else:
                group["lr"] = float(rates[number])

    def step(self) -> None:
        """Do one step; on a GPU it is only queued."""
        if not self.gpu:
            self._fill()
            self.optimizer.zero_grad()
            self._compute()
            self.done += 1
            return
        with torch.cuda.stream(self.stream):
            self._fill()
            if self.graph is not None:
                self.graph.replay()
            else:
                self.optimizer.zero_grad(set_to_none=True)
                self._compute()
        self.done += 1
        if self.done == 4 and self.graph is None and self.graphs:
            self._capture()

    def _capture(self) -> None:
        torch.cuda.synchronize()
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self.stream):
                self._compute()
            self.graph = graph
        except RuntimeError as error:
            print("no graph:", self.part, repr(error)[:300], flush=True)
            self.graph = None
            self.done += 1  # not tried again
        torch.cuda.synchronize()

    def finish(self) -> None:
        """Wait for what is queued, and free the graph."""
        if self.stream is not None:
            self.stream.synchronize()
        self.replayed = self.graph is not None
        self.graph = None
        self.network.eval()
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def probabilities(self, rows: NDArray[np.int64], samplings: int = SAMPLINGS) -> dict[str, NDArray[np.float32]]:
        """Return each head's probabilities (rows, classes), the mean over samplings."""
        found: dict[str, list[NDArray[np.float32]]] = {}
        for start in range(0, len(rows), 64):
            some = rows[start : start + 64]
            each: dict[str, list[Tensor]] = {}
            for number in range(samplings):
                arrays = draw(self.clips, some, self.setting, self.streams, False, self.rng, number)
                batch = {
                    name: torch.from_numpy(np.ascontiguousarray(a)).to(self.clips.device) for name, a in arrays.items()
                }
                with self._arithmetic():
                    logits = self.network(**inputs(self.clips, batch, self.setting))
                for head, values in logits.items():
                    each.setdefault(head, []).append(values.float().softmax(1))
            for head, all_samplings in each.items():
                found.setdefault(head, []).append(torch.stack(all_samplings).mean(0).cpu().numpy())
        return {head: np.concatenate(parts) for head, parts in found.items()}

    def state(self) -> bytes:
        """Return the weights as bytes."""
        buffer = io.BytesIO()
        torch.save({name: value.cpu() for name, value in self.network.state_dict().items()}, buffer)
        return buffer.getvalue()
