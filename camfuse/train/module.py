"""One training as Lightning sees it: the step, the numbers of each epoch, the optimizer."""

import copy
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer

from camfuse.config import Config, Phase
from camfuse.data.batch import dense, filled, inputs_of
from camfuse.data.dataset import Sample
from camfuse.data.on_device import PLAIN, compiled_work
from camfuse.errors import ConfigError
from camfuse.files import write_text
from camfuse.metrics import weighted_mean
from camfuse.model.compiled import compile_network
from camfuse.model.device import pick_device, precision_on
from camfuse.model.recogniser import Recogniser, heads_of
from camfuse.train.meter import TrainMeter, ValMeter
from camfuse.train.mixup import mix_clips
from camfuse.train.optimizer import base_rate, build_optimizer, build_schedule, clips_per_step, update_average
from camfuse.train.stopwatch import Stopwatch

log = logging.getLogger(__name__)
Curve = dict[str, float | int | str | None]
FUSED = "fused"
"""The weighted mean of a fused model's heads, beside the heads themselves."""


@dataclass(frozen=True)
class TrainingIdentity:
    """Which training this is: what a resumed state must agree with.

    Attributes
    ----------
    fingerprint
        Of the training stage.
    data
        Hash of the clips, their labels and splits, and of the checkpoints it starts from.
    processes
        How many train together: a step has the clips of all.
    """

    fingerprint: str
    data: str
    processes: int


class TrainingModule(LightningModule):
    """A recogniser in training.

    Parameters
    ----------
    model
        The recogniser.
    config
        The run's config.
    identity
        Written into every state, to know it again.
    val_clips
        Clips of the validation; 0 means that the last epoch is kept.
    curves
        Where to write the epochs' numbers; None writes nothing.

    Attributes
    ----------
    average
        The recogniser with the weights' moving average, where the config asks for one.
    rows
        The curves until now, one row per epoch, split and head.
    epochs, batches
        Whole epochs that are done, and batches of the one that is running.
    clock
        Time spent on training steps.
    """

    def __init__(
        self,
        model: Recogniser,
        config: Config,
        *,
        identity: TrainingIdentity,
        val_clips: int,
        curves: Path | None,
    ) -> None:
        super().__init__()
        self.model = model
        self.average: Recogniser | None = None
        self.rows: list[Curve] = []
        self.epochs = self.batches = 0
        self.clock = Stopwatch()
        self._config = config
        self._precision = precision_on(config, pick_device(config))
        self._phase: Phase = getattr(config.train, model.part)
        alone = model.part == "sequence"
        self._mixup = config.train.sequence_augment.mixup if alone else config.train.augment.mixup
        if self._phase.ema:
            self.average = copy.deepcopy(model).requires_grad_(False)
        self._compiled, self._work = False, PLAIN
        self._identity = identity
        self._val_clips = val_clips
        self._curves = curves
        heads = heads_of(config.model, model.part)
        shown = heads if len(heads) == 1 else (*heads, FUSED)
        self.main_head = shown[-1]
        self._train_meter, self._val_meter = TrainMeter(shown), ValMeter(shown, val_clips)
        self._norms: list[Any] = [0.0, 0]  # sum of the steps' norms, steps
        self._rate = math.nan
        self._val: dict[str, dict[str, float]] = {}

    def compile_networks(self) -> None:
        """Compile the recogniser and its average, and what makes their batches."""
        self._compiled, self._work = True, compiled_work()
        for network in (self.model, self.average):
            if network is not None:
                compile_network(network, self._config)

    # ------------------------------------------------------------------------------------- steps

    def on_train_batch_start(self, batch: Sample, batch_idx: int) -> None:
        """Give the batch its own random numbers, so that a resumed training draws what an uninterrupted one does."""
        self.clock.busy()
        torch.manual_seed(int(self._seeds(batch_idx).generate_state(1)[0]))

    def on_train_batch_end(self, *_: Any) -> None:
        """Let the clock know."""
        self.clock.idle()

    def _seeds(self, batch_idx: int) -> np.random.SeedSequence:
        number = self.current_epoch * int(self.trainer.num_training_batches) + batch_idx
        return np.random.SeedSequence([self._config.seed, number, self.global_rank])

    def training_step(self, batch: Sample, batch_idx: int) -> Tensor:
        """Return the sum of the heads' cross-entropies, 1:1:1, with label smoothing."""
        batch = dense(batch, self._config, work=self._work)
        other, share = batch["label"], 1.0
        if alpha := self._mixup:
            mixed = mix_clips(batch, alpha, np.random.default_rng(self._seeds(batch_idx)))
            batch, other, share = mixed.batch, mixed.other, mixed.share
        logits = self._logits(self.model, batch)
        objective = share * self._objective(logits, batch["label"])
        if share < 1:
            objective = objective + (1 - share) * self._objective(logits, other)
        self._train_meter.add(self._log_probabilities(logits), batch["label"])
        self.batches = batch_idx + 1
        self.log("objective", objective, prog_bar=True)
        return objective

    def _objective(self, logits: Mapping[str, Tensor], labels: Tensor) -> Tensor:
        smoothing = self._phase.label_smoothing
        losses = [functional.cross_entropy(v, labels, label_smoothing=smoothing) for v in logits.values()]
        return torch.stack(losses).sum()

    def validation_step(self, batch: Sample, batch_idx: int) -> None:
        """Count the batch, as the averaged weights see it where there are any."""
        logits = self._logits(self.average or self.model, dense(batch, self._config))
        self._val_meter.add(self._log_probabilities(logits), batch["label"], batch["index"])

    def _logits(self, model: Recogniser, batch: Sample) -> dict[str, Tensor]:
        # (B, V, ...) with V = 1 in training
        inputs, clips = inputs_of(batch), len(batch["label"])
        if self._compiled:  # the validation's last batch is smaller
            inputs = filled(inputs, self._phase.batch)
        return {head: values[:clips].float() for head, values in model(**inputs).items()}

    @torch.no_grad()
    def _log_probabilities(self, logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
        values = {head: v.log_softmax(1) for head, v in logits.items()}
        if self.main_head == FUSED:
            probabilities = {head: v.exp() for head, v in values.items()}
            mean = weighted_mean(probabilities, self._config.training_weights)
            values[FUSED] = mean.clamp_min(torch.finfo(mean.dtype).tiny).log()
        return values

    # ------------------------------------------------------------------------------------- optimizer

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Build optimizer and schedule; the rate grows with the clips per step."""
        rate = base_rate(self._phase, self.trainer.world_size)
        total = int(self.trainer.estimated_stepping_batches)
        # in float16 Lightning cannot clip the gradient of a fused optimizer
        fused = self.device.type == "cuda" and self._precision != "16-mixed"
        new_rate = self._config.train.new_rate
        optimizer = build_optimizer(self.model, self._phase, rate=rate, new_rate=new_rate, fused=fused)
        clips = clips_per_step(self._phase, self.trainer.world_size)
        log.info("%s: %d steps, rate %.4g at %d clips per step", self.model.part, total, rate, clips)
        schedule = build_schedule(optimizer, self._phase, total)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the gradient to ``clip_norm`` and note its norm before that."""
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._phase.clip_norm)
        self._norms = [self._norms[0] + norm.double(), self._norms[1] + 1]
        self._rate = optimizer.param_groups[0]["lr"]
        # as a tensor of the CPU: of a plain number Lightning makes one on the GPU, and waits for it in every step
        self.log_dict({"rate": torch.tensor(self._rate), "grad_norm": norm})

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Step, then move the averaged weights after it."""
        super().optimizer_step(*args, **kwargs)
        if self.average is not None:
            update_average(self.average, self.model, self._phase.ema, self.global_step)

    # ------------------------------------------------------------------------------------- epochs

    def on_train_start(self) -> None:
        """Start the clock, in the middle of an epoch too."""
        self.clock.start(self.device)

    def on_train_epoch_start(self) -> None:
        """Start the clock."""
        self._val = {}
        self.clock.start(self.device)

    def on_validation_epoch_start(self) -> None:
        """Stop the clock: clips per second are those of training."""
        self.clock.stop()

    def on_validation_epoch_end(self) -> None:
        """Take the validation's numbers."""
        self._val = self._val_meter.take(partial(self.trainer.strategy.reduce, reduce_op="max"))
        shown = self._val[self.main_head]
        self.log_dict({"val_loss": shown["loss"], "val_top1": shown["top1"]}, prog_bar=True, logger=False)

    def on_train_epoch_end(self) -> None:
        """Write and log the epoch's numbers."""
        lap = self.clock.lap()
        trained = self._train_meter.take(self._add_up)
        numbers = {"train": trained, **({"val": self._val} if self._val else {})}
        epoch, norm = self.current_epoch + 1, float(self._norms[0]) / self._norms[1]
        self._norms, self.epochs, self.batches = [0.0, 0], epoch, 0
        self._refuse_nonsense(epoch, numbers["train"][self.main_head]["loss"])
        for split, heads in numbers.items():
            step = {"rate": self._rate, "grad_norm": norm} if split == "train" else {"rate": None, "grad_norm": None}
            self.rows += [{"epoch": epoch, "split": split, "head": head, **n, **step} for head, n in heads.items()]
            for head, values in heads.items():
                self.log_dict({f"{split}/{head}/{name}": value for name, value in values.items()})
        self.log("selection", self._selection(epoch), logger=False)
        speed = lap.steps * self._phase.batch * self.trainer.world_size / lap.seconds
        self.log_dict({"clips_per_second": speed, "waited": lap.waited_share})
        speeds = f"gradient norm {norm:.3g}, {speed:.3g} clips/s, {lap.waited_share:.0%} of the time waiting for clips"
        self._log_epoch(epoch, numbers, speeds)
        if self._curves and self.trainer.is_global_zero:
            write_curves(self.rows, self._curves)

    def _add_up(self, numbers: Tensor) -> Tensor:
        return cast(Tensor, self.trainer.strategy.reduce(numbers, reduce_op="sum"))

    def _log_epoch(self, epoch: int, numbers: Mapping[str, dict[str, dict[str, float]]], more: str) -> None:
        shown = [
            f"{split} loss {heads[self.main_head]['loss']:.4f} top-1 {heads[self.main_head]['top1']:.4f}"
            for split, heads in numbers.items()
        ]
        line = f"{self.model.part} epoch {epoch}/{self._phase.epochs}: {', '.join(shown)}, {more}"
        log.info("%s", line)
        self.print(line, flush=True)  # seen at once in a log file too

    def _selection(self, epoch: int) -> float:
        """Right val clips plus less than one for a low loss: the highest is kept; the last epoch without val clips."""
        if not self._val or self._phase.keep == "last":
            return float(epoch)
        main = self._val[self.main_head]
        return round(main["top1"] * self._val_clips) + 1 / (2 + main["loss"])

    def _refuse_nonsense(self, epoch: int, loss: float) -> None:
        if math.isfinite(loss):
            return
        part, train = self.model.part, self._config.train
        raise ConfigError(
            f"train.{part}: the loss of epoch {epoch} is {loss} (rate {self._phase.rate}, clip_norm "
            f"{self._phase.clip_norm}, precision {self._precision}, tf32 {train.tf32}): lower train.{part}.rate or "
            "set precision 32-true and tf32 false"
        )

    # ------------------------------------------------------------------------------------- state

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add which training this is, how far it is, and its numbers until now; every process must call this."""
        running = self.clock.running() if self.batches else 0.0
        checkpoint["camfuse"] = {
            "labels": asdict(self._identity),
            "rows": list(self.rows),
            "seconds": self.clock.seconds + running,
            "waited": self.clock.waited,
            "epochs": self.epochs,
            "batches": self.batches,
            "sums": self._add_up(self._train_meter.sums.clone()),
            "norms": [float(self._norms[0]), self._norms[1]],
            "precision": self._precision,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take them back; what the processes had added up goes to the first."""
        state = checkpoint["camfuse"]
        self.rows, self._norms = list(state["rows"]), list(state["norms"])
        self.clock.seconds, self.clock.waited = state["seconds"], state.get("waited", 0.0)
        self.epochs, self.batches = state["epochs"], state["batches"]
        if self.global_rank == 0:
            self._train_meter.sums.copy_(state["sums"])
        if (before := state.get("precision", self._precision)) != self._precision:
            log.warning(
                "%s: trained in %s until now, resumes in %s, as precision auto is on this machine: the numbers are not "
                "those of a training on one machine",
                *(self.model.part, before, self._precision),
            )


def write_curves(rows: list[Curve], path: Path) -> None:
    """Write the curves as CSV."""
    columns = ["epoch", "split", "head", "loss", "top1", "rate", "grad_norm"]
    write_text(path, pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n"))
