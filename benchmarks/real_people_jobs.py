"""All streams and fusions on the videos of real people, in one go on one GPU: what is trained, in which order.

    python -m benchmarks.real_people_jobs --pack people.npz --output OUT --limit 340 --processes 8 --slots 3

Each training's answers are a file of --output: probabilities of every head for its test clips, how many of its training
clips are right, seconds. What is done by the limit is there, what is not is missing; `real_people_table` reads it.
"""

import argparse
import io
import json
import multiprocessing
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_people_device import Clips, Setting, Training, model_of
from camfuse.config import Phase, SequenceAugment, SequenceStream

LONG = Setting(views=240, batch=16, active=True, mirror=0.5)
SEQ = Setting(views=240, batch=16, mixup=0.3)
SETTINGS: dict[str, Setting] = {
    "rgb.base": Setting(),
    "rgb.long": LONG,
    "rgb.tiles": Setting(views=240, batch=16, active=True, mirror=0.5, tiles=True),
    "pose.base": Setting(),
    "pose.long": LONG,
    "pose.zoom": Setting(views=240, batch=16, active=True, mirror=0.5, zoom=True, mixup=0.3),
    "sequence": SEQ,
    "limbs": replace(SEQ, limbs=0.15),
    "limbs25": replace(SEQ, limbs=0.25),
    "width192": replace(SEQ, sequence=SequenceStream(width=192)),
    "width96": replace(SEQ, sequence=SequenceStream(width=96)),
    "depth6": replace(SEQ, sequence=SequenceStream(depth=6)),
    "kernel5": replace(SEQ, sequence=SequenceStream(kernel=5)),
    "blockdrop3": replace(SEQ, sequence=SequenceStream(block_dropout=0.3)),
    "smooth2": replace(SEQ, smoothing=0.2),
    "decay2": replace(SEQ, decay=0.2),
    "views480": replace(SEQ, views=480),
    "mixup1": replace(SEQ, mixup=1.0),
    "strong": replace(
        SEQ, augment=SequenceAugment(hand_rotate=20, hand_shift=0.1, jitter=0.02, stretch=0.2, scale=0.3, rotate=20)
    ),
    "hide": replace(SEQ, augment=SequenceAugment(hide=0.5, drop=0.1)),
    "warp": replace(SEQ, augment=SequenceAugment(warp=0.6, cut=0.25)),
}
SEQUENCES = tuple(name for name in SETTINGS if "." not in name and name != "sequence")
"""`base`: as `config/videos.yaml` had it, one hundred views a clip in batches of 8. `long`: more views, larger batches,
the active part alone, mirrored half of the time. `tiles`, `zoom`: hands at a scale of their own besides."""
CANDIDATES = {"rgb": ("rgb.long", "rgb.tiles"), "pose": ("pose.long", "pose.zoom")}
MODES = ("divided", "none", "concat")
OTHER = {"asl24": "asl8", "asl8": "asl24", "asl8web": "asl24"}
"""Which set chooses the candidates for a set: never its own test clips."""
FUSION_VIEWS = 50


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes
    ----------
    group
        Set and fold, or what an inner training is for.
    variant
        Key of `SETTINGS`; of a fusion its mode. A stream whose variant is `chosen` waits for the choice.
    """

    set: str
    group: str
    seed: int
    part: str
    variant: str
    train: tuple[int, ...]
    test: tuple[int, ...]

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.set}-{self.group}-{self.seed}-{self.part}-{self.variant}"


def folds(clips: Clips) -> dict[str, dict[str, tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Return training and test rows by set and fold."""
    table, rows = clips.table, np.arange(len(clips))
    eight, webcam = table["label8"] != "", table["source"] == "webcam"

    def split(kept: NDArray[np.bool_], tested: NDArray[np.bool_]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(rows[kept & ~tested].tolist()), tuple(rows[kept & tested].tolist())

    groups = sorted(set(table["group8"][eight]))
    return {
        "asl24": {one: split(webcam, table["signer"] == one) for one in sorted(set(table["signer"][webcam]))},
        "asl8": {f"group{one}": split(eight, table["group8"] == one) for one in groups},
        "asl8web": {"webcam": split(eight, webcam)},
    }


def labels_of(clips: Clips, name: str) -> tuple[NDArray[np.int64], int]:
    """Return the class of every clip of a set (-1: not of it), and the number of classes."""
    column = clips.table["word" if name == "asl24" else "label8"]
    kept = clips.table["source"] == "webcam" if name == "asl24" else column != ""
    classes = sorted(set(column[kept]))
    return np.array([classes.index(one) if k else -1 for one, k in zip(column, kept, strict=True)]), len(classes)


def jobs_of(clips: Clips) -> list[Job]:
    """Return all trainings, the most telling first."""
    every = [(name, fold, *rows) for name, parts in folds(clips).items() for fold, rows in parts.items()]

    def of(seed: int, part: str, variant: str, sets: tuple[str, ...] = tuple(OTHER)) -> list[Job]:
        return [Job(name, fold, seed, part, variant, *rows) for name, fold, *rows in every if name in sets]

    both = ("asl24", "asl8")
    out = []
    for stream in ("pose", "rgb"):
        for variant in CANDIDATES[stream]:
            out += of(1, stream, variant, both)
    out += of(1, "sequence", "sequence")
    out += of(1, "pose", "chosen") + of(1, "rgb", "chosen") + of(1, "fusion", "divided")
    out += of(1, "pose", "pose.base", both) + of(1, "rgb", "rgb.base", both)
    for seed in (2, 3):
        out += of(seed, "pose", "chosen") + of(seed, "rgb", "chosen") + of(seed, "sequence", "sequence")
        out += of(seed, "fusion", "divided")
    for variant in SEQUENCES:
        out += of(1, "sequence", variant, both)
    out += of(1, "fusion", "none") + of(1, "fusion", "concat")
    out += inner(clips)
    for seed in (2, 3):
        out += of(seed, "fusion", "none") + of(seed, "fusion", "concat")
    for seed in (2, 3):
        for variant in SEQUENCES:
            out += of(seed, "sequence", variant, both)
    for seed in (2, 3):
        out += of(seed, "pose", "pose.base", both) + of(seed, "rgb", "rgb.base", both)
    return out


def inner(clips: Clips) -> list[Job]:
    """Return trainings within the training signers: of two groups, or one signer, tested on all others of the set.

    A fold's weights are chosen on what trainings without its test signers say of the others of its training signers.
    """
    out = []
    found = folds(clips)
    for name in ("asl24", "asl8"):
        tests = {fold: set(rows[1]) for fold, rows in found[name].items()}
        names = list(tests)
        kept = [(one,) for one in names] if name == "asl24" else [(a, b) for a in names for b in names if a < b]
        for some in kept:
            train = sorted(set().union(*(tests[one] for one in some)))
            test = sorted(set().union(*tests.values()) - set(train))
            group = "only_" + "_".join(some)
            for part, variant in (("sequence", "sequence"), ("pose", "chosen"), ("rgb", "chosen")):
                out.append(Job(name, group, 1, part, variant, tuple(train), tuple(test)))
    return out


def phase_of(part: str, setting: Setting) -> Phase:
    """Return the recipe of a training."""
    if part == "sequence":
        return Phase(
            epochs=1,
            batch=16,
            rate=0.002,
            base_batch=16,
            optimizer="adamw",
            weight_decay=setting.decay,
            warmup=0.3,
            label_smoothing=setting.smoothing,
        )
    rate = 0.0005 if part == "fusion" else 0.002
    return Phase(
        epochs=1, batch=setting.batch, rate=rate, base_batch=setting.batch, optimizer="adamw", weight_decay=0.01
    )


class Folder:
    """The files of one go: claims, weights, answers."""

    def __init__(self, output: Path, work: Path) -> None:
        self.output, self.work = output, work

    def claim(self, job: Job) -> bool:
        """Return whether this process may train it: the first that asks."""
        try:
            os.close(os.open(self.work / f"{job.name}.claim", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def answer(self, job: Job) -> Path:
        """Return the file of its answers."""
        return self.output / f"{job.name}.json"

    def weights(self, job: Job) -> Path:
        """Return the file of its weights."""
        return self.work / f"{job.name}.pt"

    def write(self, job: Job, training: Training, seconds: float) -> None:
        """Write answers and weights."""
        found = training.probabilities(np.array(job.test))
        own = training.probabilities(np.array(job.train), samplings=1)
        labels = training.labels[np.array(job.train)]
        content = {
            "set": job.set,
            "group": job.group,
            "seed": job.seed,
            "part": job.part,
            "variant": job.variant,
            "test": job.test,
            "labels": training.labels[np.array(job.test)].tolist(),
            "probabilities": {head: np.round(values, 5).tolist() for head, values in found.items()},
            "train_right": {head: float((values.argmax(1) == labels).mean()) for head, values in own.items()},
            "train_clips": len(job.train),
            "steps": training.steps,
            "seconds": round(seconds, 1),
            "graph": training.replayed,
            "device": str(training.clips.device),
        }
        if job.part != "fusion":
            _whole(self.weights(job), training.state())
        _whole(self.answer(job), json.dumps(content).encode())


def _whole(path: Path, content: bytes) -> None:
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def chosen(folder: Folder, stream: str, name: str, all_jobs: list[Job]) -> str | None:
    """Return the candidate of a stream that has most clips of the other set right; None until all have answered."""
    best: tuple[float, str] | None = None
    for variant in CANDIDATES[stream]:
        hits, total = 0, 0
        for job in all_jobs:
            if (job.set, job.part, job.variant, job.seed) == (OTHER[name], stream, variant, 1):
                if not folder.answer(job).exists():
                    return None
                content = json.loads(folder.answer(job).read_text())
                found = np.array(content["probabilities"][stream]).argmax(1)
                hits, total = hits + int((found == np.array(content["labels"])).sum()), total + len(found)
        if best is None or hits / total > best[0]:
            best = (hits / total, variant)
    return None if best is None else best[1]


def begin(clips: Clips, folder: Folder, job: Job, all_jobs: list[Job]) -> Training | Job | None:
    """Return the training of a job, or what it comes to is the same as another job, or None if it has to wait."""
    labels, classes = labels_of(clips, job.set)
    train = np.array(job.train)
    if job.part == "fusion":
        return _fusion(clips, folder, job, all_jobs, train, labels, classes)
    variant: str | None = job.variant
    if variant == "chosen":
        variant = chosen(folder, job.part, job.set, all_jobs)
        if variant is None:
            return None
        same = Job(job.set, job.group, job.seed, job.part, variant, job.train, job.test)
        if any(one.name == same.name for one in all_jobs):
            return same
    setting = SETTINGS[str(variant)]
    model = model_of((job.part,), None, setting)
    phase = phase_of(job.part, setting)
    return Training(clips, job.part, model, train, labels, classes, phase, setting, job.seed)


def _fusion(
    clips: Clips,
    folder: Folder,
    job: Job,
    all_jobs: list[Job],
    train: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: int,
) -> Training | None:
    states, variants = {}, {}
    for stream in ("rgb", "pose", "sequence"):
        variant = "sequence" if stream == "sequence" else chosen(folder, stream, job.set, all_jobs)
        if variant is None:
            return None
        variants[stream] = variant
        names = {f"{job.set}-{job.group}-{job.seed}-{stream}-{one}" for one in (variant, "chosen")}
        there = [folder.work / f"{one}.pt" for one in sorted(names) if (folder.work / f"{one}.pt").exists()]
        if not there:
            return None
        states[stream] = torch.load(io.BytesIO(there[0].read_bytes()), weights_only=True)
    setting = Setting(
        views=FUSION_VIEWS,
        batch=16,
        active=True,
        mirror=0.5,
        tiles=SETTINGS[variants["rgb"]].tiles,
        zoom=SETTINGS[variants["pose"]].zoom,
    )
    model = model_of(("rgb", "pose", "sequence"), job.variant, setting)
    phase = phase_of("fusion", setting)
    return Training(clips, "fusion", model, train, labels, classes, phase, setting, job.seed, states)


def worker(options: argparse.Namespace, end: float, number: int) -> None:
    """Train job after job, several in turns, until there is none or the time is over."""
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    clips = Clips(options.pack, device)
    folder = Folder(options.output, options.states)
    all_jobs = jobs_of(clips)
    wanted = [job for job in all_jobs if options.only in job.name]
    print(f"worker {number}: {len(clips)} clips, {len(wanted)} jobs, {end - time.time():.0f} s left", flush=True)
    running: list[tuple[Job, Training, float]] = []
    while time.time() < end:
        while len(running) < options.slots and (found := _next(clips, folder, wanted, all_jobs)):
            found[1].graphs = number % 4 != 3  # should graphs fail, some go on without
            if options.steps:
                found[1].steps = min(found[1].steps, options.steps)
            running.append((*found, time.time()))
        if not running:
            if all((options.states / f"{job.name}.claim").exists() for job in wanted):
                break
            time.sleep(0.3)
            continue
        for one in list(running):
            job, training, start = one
            try:
                for _ in range(min(20, training.steps - training.done)):
                    training.step()
                if training.done < training.steps:
                    continue
                training.finish()
                folder.write(job, training, time.time() - start)
                spent = time.time() - start
                print(f"{end - time.time():.0f} s left: {job.name} {training.steps} steps {spent:.0f} s", flush=True)
            except RuntimeError as error:
                print("failed:", job.name, repr(error)[:300], flush=True)
            running.remove(one)
    print(f"worker {number}: ends with {len(running)} unfinished", flush=True)


def _next(clips: Clips, folder: Folder, wanted: list[Job], all_jobs: list[Job]) -> tuple[Job, Training] | None:
    for job in wanted:
        if (folder.work / f"{job.name}.claim").exists():
            continue
        found = begin_if_free(clips, folder, job, all_jobs)
        if found is not None:
            return job, found
    return None


def begin_if_free(clips: Clips, folder: Folder, job: Job, all_jobs: list[Job]) -> Training | None:
    """Claim a job that can begin; one that is the same as another counts as done."""
    if not ready(folder, job, all_jobs) or not folder.claim(job):
        return None
    found = begin(clips, folder, job, all_jobs)
    return found if isinstance(found, Training) else None


def ready(folder: Folder, job: Job, all_jobs: list[Job]) -> bool:
    """Return whether what a job waits for is there."""
    if job.part != "fusion":
        return job.variant != "chosen" or chosen(folder, job.part, job.set, all_jobs) is not None
    for stream in ("rgb", "pose", "sequence"):
        variant = "sequence" if stream == "sequence" else chosen(folder, stream, job.set, all_jobs)
        names = [f"{job.set}-{job.group}-{job.seed}-{stream}-{one}.pt" for one in (variant, "chosen")]
        if variant is None or not any((folder.work / one).exists() for one in names):
            return False
    return True


def main() -> None:
    """Run the workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--states", type=Path, default=Path("/tmp/real_people_states"), help="weights, while it runs")
    parser.add_argument("--limit", type=float, default=340, help="seconds, all in all")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--slots", type=int, default=3, help="trainings that a process has at a time")
    parser.add_argument("--only", default="", help="jobs with this in their name")
    parser.add_argument("--steps", type=int, default=0, help="at most so many a training: to try it out")
    options = parser.parse_args()
    end = time.time() + options.limit
    for path in (options.output, options.states):
        path.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=worker, args=(options, end, n)) for n in range(options.processes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(max(1.0, end + 12 - time.time()))
        if process.is_alive():
            process.kill()
    print(f"{len(list(options.output.glob('*.json')))} trainings done", flush=True)


if __name__ == "__main__":
    main()
