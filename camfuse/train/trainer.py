"""Lightning's trainer as this project uses it: where it runs, what it keeps, how much it says."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from pytorch_lightning.plugins.io import TorchCheckpointIO

from camfuse.config import Config, Part
from camfuse.digest import seal
from camfuse.files import atomic
from camfuse.model.device import pick_device, precision_on
from camfuse.run.layout import TrainingFiles
from camfuse.train.parallel import plugins, strategy

log = logging.getLogger(__name__)
_QUIET = (
    ".*does not have many workers.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*Experiment logs directory .* exists and is not empty.*",
    ".*The number of training batches .* is smaller than the logging interval.*",
    ".*You defined a `validation_step` but have no `val_dataloader`.*",
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ".*dataloader is not resumable.*",  # `EpochSampler` makes it so
    ".*sync_dist=True.*",  # the meters have added up over the processes before
    ".*`broadcast_buffers` is deprecated.*",  # its successor is not in all versions of torch that we take
    ".*The `srun` command is available on your system but is not used.*",
)
"""Lightning's advice on things that are meant as they are."""


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's tips and notes; its other warnings stay."""
    chatter = logging.getLogger("pytorch_lightning.utilities.rank_zero")
    level = chatter.level
    with warnings.catch_warnings():
        for message in _QUIET:
            warnings.filterwarnings("ignore", message=message)
        chatter.setLevel(logging.WARNING)
        try:
            yield
        finally:
            chatter.setLevel(level)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write states whole or not at all, and keep the one before the last, so that one damaged file costs little."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write under another name, then rename."""
        path, files = Path(path), TrainingFiles(Path(path).parent)
        with atomic(path) as part:
            torch.save(checkpoint, part)
            seal(part)
            if path == files.last and path.exists():
                path.replace(files.before_last)  # killed right after it, a training resumes from this one


class StateKeeper(Callback):
    """Save the state every few steps within an epoch: after whole steps only, so that no gradient is lost."""

    def __init__(self, path: Path, every: int) -> None:
        self._path = path
        self._every = every
        self._seen = -1

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save if it is time; the end of the epoch saves itself, after validation."""
        step, before = trainer.global_step, self._seen
        self._seen = step
        if before not in (-1, step) and step % self._every == 0 and not trainer.is_last_batch:
            trainer.save_checkpoint(self._path, weights_only=False)


class EpochBar(TQDMProgressBar):
    """A bar for the running epoch, in a terminal only: `TrainingModule` prints a line for each finished one."""

    def __init__(self, part: Part, steps: int) -> None:
        self._part = part
        super().__init__(refresh_rate=max(1, steps // 20) if sys.stdout.isatty() else 0)

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        """Name the epoch as the lines do: from 1."""
        super().on_train_epoch_start(trainer, *_)
        self.train_progress_bar.set_description(f"{self._part} epoch {trainer.current_epoch + 1}/{trainer.max_epochs}")

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print above the bar; a terminal needs no `flush`, which tqdm does not know."""
        super().print(*args, **{key: value for key, value in kwargs.items() if key != "flush"})

    def get_metrics(self, *args: Any) -> dict[str, Any]:
        """Leave out the number of the log folder."""
        return {name: value for name, value in super().get_metrics(*args).items() if name != "v_num"}


def build_trainer(config: Config, part: Part, files: TrainingFiles, *, steps: int, begin: str) -> Trainer:
    """Build the trainer.

    Parameters
    ----------
    config
        The run's config.
    part
        Which training.
    files
        What it writes to.
    steps
        Batches of a process per epoch.
    begin
        Names the log of what follows now: a stopped training may resume anywhere.
    """
    device, phase, machine = pick_device(config), getattr(config.train, part), config.machine
    states: list[Callback] = [
        # once per epoch, after validation: the best is judged by TrainingModule's `selection`
        ModelCheckpoint(
            dirpath=files.folder,
            filename=files.best_so_far.stem,
            monitor="selection",
            mode="max",
            save_weights_only=True,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
        ModelCheckpoint(
            dirpath=files.folder,
            filename=files.last.stem,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
    ]
    if machine.save_steps:
        states.append(StateKeeper(files.last, machine.save_steps))
    return Trainer(
        default_root_dir=files.folder,
        accelerator=device,
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=strategy(machine),
        use_distributed_sampler=False,
        precision=precision_on(config, device),
        max_epochs=phase.epochs,
        accumulate_grad_batches=phase.accumulate,
        callbacks=[EpochBar(part, steps), *states],
        # Lightning's CSV logger cannot append to an old file, TensorBoard's can
        logger=[
            TensorBoardLogger(files.logs, name="", version="tensorboard"),
            CSVLogger(files.logs, name="", version=begin),
        ],
        log_every_n_steps=max(1, min(10, steps)),
        num_sanity_val_steps=0,
        enable_model_summary=False,
        plugins=[AtomicCheckpointIO(), *plugins(machine, device)],
    )
