"""One training from shards to ``best.ckpt``."""

import hashlib
import json
import logging
import platform
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import torch
from pytorch_lightning import seed_everything
from torch.utils.data import DataLoader

import camfuse
from camfuse.clips.seen import written
from camfuse.clips.table import split_unknown
from camfuse.config import Config, Part
from camfuse.data.batch import collate
from camfuse.data.dataset import ClipDataset, Sample, single_threaded
from camfuse.data.leaks import check_hidden
from camfuse.data.sampler import EpochSampler
from camfuse.errors import AllLeftOutError, ConfigError, TableError, WeightsError
from camfuse.files import write_text
from camfuse.model.checkpoint import Checkpoint, load_trained, trained_weights
from camfuse.model.compiled import compiles
from camfuse.model.device import pick_device, precision_on, set_tf32, to_memory_format
from camfuse.model.initial import load_initial, merge_streams
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.predict import calibration
from camfuse.run.layout import Run, TrainingFiles
from camfuse.train.module import FUSED, Curve, TrainingIdentity, TrainingModule, write_curves
from camfuse.train.parallel import is_first, world_size
from camfuse.train.recompute import recompute_blocks
from camfuse.train.resume import resumable
from camfuse.train.trainer import build_trainer, quiet_lightning
from camfuse.weights.safe import read_checkpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Data:
    """The clips of one training."""

    classes: tuple[str, ...]
    train: ClipDataset
    val: ClipDataset | None


def train(run: Run, part: Part, output: Path, init: tuple[Path, ...] = ()) -> None:
    """Train one part and write ``best.ckpt``, ``curves.csv`` and ``summary.json`` into `output`.

    A training that was stopped resumes after its last saved step, if config, clips, `init` and the number of processes
    are the same; the curves are then those of an uninterrupted one. With several devices this runs once in each
    process, and the first writes the results. The best epoch is the one with the highest val top-1 (of the fused
    score, for `fusion`), among equals the one with the lowest val loss; without val clips it is the last.

    Parameters
    ----------
    run
        Whose clips and shards are read; shards that `part` does not need may be missing.
    part
        A stream of the model, or fusion.
    output
        Folder to write to.
    init
        For fusion: ``best.ckpt`` of each stream, in the order rgb, pose, sequence. Without it, fusion starts from
        random weights.

    Raises
    ------
    TableError
        If no clip is for training.
    ShardError
        If a shard is missing or stale.
    WeightsError
        If a checkpoint of `init` does not fit.
    ConfigError
        If the model has no such part, there are fewer than two classes, a GPU is asked for that is not there, or the
        loss stops being a number.
    """
    if not is_first():
        logging.getLogger("camfuse").setLevel(logging.ERROR)  # the first process says it all
    config, files = run.config, TrainingFiles(output)
    if part not in config.model.parts:
        raise ConfigError(f"train {part}: expected one of the model's {', '.join(config.model.parts)}")
    set_tf32(config)
    data = _read_data(run, part)
    if is_first() or config.clips.leaks == "refuse":
        check_hidden(run, part)
    processes = world_size(config.machine)
    identity = TrainingIdentity(run.fingerprint(f"train_{part}"), _data_hash(data, init), processes)
    seed_everything(config.seed, verbose=False)
    model = build_recogniser(config.model, num_classes=len(data.classes), part=part)
    seen, initial = written(data.train.clips), load_initial(model, config)
    if initial:
        seen |= initial.clips
    elif part == "fusion":
        seen |= _start_from(model, config, data.classes, init)
    model = to_memory_format(model, config, pick_device(config))
    if config.machine.recompute:
        recompute_blocks(model)
    val_clips = len(data.val or ())
    module = TrainingModule(model, config, identity=identity, val_clips=val_clips, curves=files.curves)
    if compiles(config, len(data.train) * getattr(config.train, part).epochs):
        module.compile_networks()
    _fit(config, module, data, files, identity)
    if is_first():
        _finish(config, module, data, files, tuple(sorted(seen)))


def _read_data(run: Run, part: Part) -> _Data:
    config, files = run.config, run.clip_files
    classes, rows = run.classes(), run.clips()
    if len(classes) < 2:
        raise ConfigError(f"{files.classes}: expected at least two classes to tell apart, found {len(classes)}")
    if missing := sorted(set(config.train.unknown_words or ()) - set(classes)):
        raise ConfigError(f"train.unknown_words: expected labels of {files.classes}, found {', '.join(missing)}")
    rows, _ = split_unknown(rows, config.train.unknown_words)
    of = {split: rows[rows["split"] == split] for split in ("train", "val")}
    if len(of["train"]) == 0:
        raise TableError(files.clips, ["expected at least one clip of split `train`, found none"])
    repeat = getattr(config.train, part).repeat
    load = partial(ClipDataset, run=run, part=part)
    compact = pick_device(config) == "cuda"  # a CPU renders faster in the loader, a window of each map
    training = load(of["train"], augment=True, repeat=repeat, compact=compact)
    if not config.train.validation:
        return _Data(classes, training, None)
    if len(of["val"]) == 0:
        log.warning("%s: no clip of split `val`: the last epoch is kept, whether or not it is the best", part)
        return _Data(classes, training, None)
    try:
        return _Data(classes, training, load(of["val"], augment=False, compact=True))
    except AllLeftOutError as error:
        log.warning("%s: val: the last epoch is kept, whether or not it is the best: %s", part, error)
        return _Data(classes, training, None)


def _data_hash(data: _Data, init: Sequence[Path]) -> str:
    columns = ["clip_id", "class_index", "split", "identity"]
    rows = pd.concat([data.train.clips, *([data.val.clips] if data.val else [])])[columns]
    content = hashlib.sha256(rows.to_csv(index=False).encode())
    content.update(json.dumps(data.classes).encode())
    for path in init:
        if not path.is_file():
            raise WeightsError(f"{path}: no such checkpoint; train that part first")
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()[:16]


def _start_from(model: Recogniser, config: Config, classes: Sequence[str], init: Sequence[Path]) -> set[str]:
    """Merge the trained streams into a fused model; return the clips that they were trained on."""
    streams = config.model.streams
    if not init:
        log.warning("fusion: no checkpoints of %s given: the streams start from random weights", ", ".join(streams))
        return set()
    if len(init) != len(streams):
        raise WeightsError(f"fusion: expected a checkpoint of each of {', '.join(streams)}, found {len(init)} file(s)")
    pairs = zip(streams, init, strict=True)
    trained = {stream: load_trained(path, stream, config, classes) for stream, path in pairs}
    merge_streams(model, {stream: one.state for stream, one in trained.items()})
    starts = ", ".join(f"epoch {one.epoch} of {stream}" for stream, one in trained.items())
    log.info("fusion: starts from %s", starts)
    return set[str]().union(*(one.clips for one in trained.values()))


# ------------------------------------------------------------------------------------------- fitting


def _fit(config: Config, module: TrainingModule, data: _Data, files: TrainingFiles, identity: TrainingIdentity) -> None:
    part, phase = module.model.part, getattr(config.train, module.model.part)
    state = resumable(files, identity)
    epochs, batches = (0, 0) if state is None else (state["camfuse"]["epochs"], state["camfuse"]["batches"])
    if epochs >= phase.epochs and state is not None:
        log.info("%s: %s has all %d epochs; nothing left to train", part, files.last, phase.epochs)
        module.on_load_checkpoint(state)
        return
    begin = f"from_epoch_{epochs + 1}" + (f"_batch_{batches + 1}" if batches else "")
    if state is not None:
        log.info("%s: resumes %s of %d epochs (%s)", part, begin.replace("_", " "), phase.epochs, files.last)
    elif is_first():
        files.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(files.logs, ignore_errors=True)
    steps = max(1, len(data.train) // (phase.batch * identity.processes))
    with quiet_lightning():
        trainer = build_trainer(config, part, files, steps=steps, begin=begin)
        rank, world = trainer.global_rank, trainer.world_size
        few = len(data.train) < phase.batch * identity.processes
        order = EpochSampler(
            data.train.labels,
            config.seed,
            repeat=phase.repeat,
            balance=phase.class_balance,
            rank=rank,
            world=world,
            pad=few,
        )
        order.start_at(epochs, batches * phase.batch)
        # a last batch of one or two clips upsets batch norm; but never throw the only batch away
        training = _loader(config, data.train, phase.batch, order, drop_last=not few)
        validation = None
        if data.val is not None:
            plain = EpochSampler(data.val.labels, config.seed, shuffle=False, rank=rank, world=world, pad=True)
            validation = _loader(config, data.val, phase.batch, plain, drop_last=False)
        resume = str(files.last) if state else None
        trainer.fit(module, training, validation, ckpt_path=resume, weights_only=True)


def _loader(
    config: Config, clips: ClipDataset, batch: int, order: EpochSampler, *, drop_last: bool
) -> DataLoader[Sample]:
    workers = config.machine.workers
    return DataLoader(
        clips,
        batch_size=batch,
        sampler=order,
        drop_last=drop_last,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=single_threaded if workers else None,
        pin_memory=pick_device(config) == "cuda",
        collate_fn=collate,
    )


# ------------------------------------------------------------------------------------------- results


def _finish(
    config: Config, module: TrainingModule, data: _Data, files: TrainingFiles, trained_on: tuple[str, ...]
) -> None:
    # `best.ckpt` appears only now: the workflow deletes the outputs of a stopped job, and must not delete the best
    state = read_checkpoint(files.best_so_far)
    epoch = int(state["epoch"]) + 1
    best = Checkpoint(
        part=module.model.part,
        fingerprint=state["camfuse"]["labels"]["fingerprint"],
        config=config.model_dump(mode="json"),
        classes=data.classes,
        epoch=epoch,
        numbers=_numbers(module.rows, epoch),
        parameters=sum(p.numel() for p in module.model.parameters()),
        state=trained_weights(state),
        versions=_versions(),
        precision=precision_on(config, pick_device(config)),
        clips=trained_on,
    )
    (files.folder / calibration.FILE).unlink(missing_ok=True)  # it was chosen for what the folder held before
    best.save(files.best)
    files.before_last.unlink(missing_ok=True)
    write_curves(module.rows, files.curves)
    write_text(files.summary, json.dumps(_summary(config, module, data, best), indent=2) + "\n")
    shown = best.numbers.get("val", best.numbers["train"])[module.main_head]
    log.info("%s: keeps epoch %d, %s top-1 %.4f", best.part, epoch, "val" if data.val else "train", shown["top1"])


def _numbers(rows: Sequence[Curve], epoch: int) -> dict[str, dict[str, dict[str, float]]]:
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        if row["epoch"] == epoch:
            heads = numbers.setdefault(str(row["split"]), {})
            heads[str(row["head"])] = {name: float(row[name] or 0) for name in ("loss", "top1")}
    return numbers


def _summary(config: Config, module: TrainingModule, data: _Data, best: Checkpoint) -> dict[str, object]:
    part, epochs = best.part, max(int(row["epoch"] or 0) for row in module.rows)
    device = pick_device(config)
    rule = "highest val top-1, then lowest val loss" if data.val else "last epoch: without validation"
    if getattr(config.train, part).keep == "last":
        rule = "last epoch: as configured"
    elif data.val and module.main_head == FUSED:
        weights = config.training_weights
        rule = f"highest val top-1 of the fused score (weights {weights}), then lowest val loss"
    return {
        "part": part,
        "fingerprint": best.fingerprint,
        "selection": rule,
        "best_epoch": best.epoch,
        "epochs": epochs,
        "numbers": best.numbers,
        "classes": len(best.classes),
        "clips": {"train": len(data.train.clips), "val": len(data.val.clips) if data.val else 0},
        "left_out": {"train": len(data.train.left_out), "val": len(data.val.left_out) if data.val else 0},
        "parameters": best.parameters,
        "seconds": round(module.clock.seconds, 1),
        "clips_per_second": round(len(data.train) * epochs / max(module.clock.seconds, 1e-9), 2),
        "waited": round(module.clock.waited / max(module.clock.seconds, 1e-9), 3),
        "device": device,
        "gpu_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2) if device == "cuda" else None,
        "precision": best.precision,
        "tf32": config.train.tf32,
        "seed": config.seed,
        "versions": best.versions,
    }


def _versions() -> dict[str, str]:
    packages = ("torch", "pytorch-lightning", "numpy")
    own = {"camfuse": camfuse.__version__, "python": platform.python_version()}
    return own | {name: version(name) for name in packages}
