"""All streams and fusions on the videos of real people, in one go on one GPU.

    python -m benchmarks.real_people_gpu --pack people.npz --output answers.jsonl --limit 1800 --processes 8 --slots 3

Each training is a line of --output: probabilities of every head for its test clips, how many of its training clips are
right, seconds. What is done by the limit is there, what is not is missing; `real_people --answers` reads it.
"""

import argparse
import io
import json
import multiprocessing
import os
import re
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.real_people_batches import Clips, Setting, model_of
from benchmarks.real_people_device import Training
from benchmarks.real_people_jobs import (
    CANDIDATES,
    FUSION_VIEWS,
    FUSIONS,
    OTHER,
    SETTINGS,
    Candidates,
    Job,
    jobs_of,
    labels_of,
    phase_of,
)
from camfuse.files import write_text


class Folder:
    """The files of one go: claims, weights, answers; and which variants of a stream there are to choose from."""

    def __init__(self, path: Path, candidates: Candidates) -> None:
        self.path, self.candidates = path, candidates

    def prepare(self) -> None:
        """Make it, and forget the claims of trainings that were cut off."""
        self.path.mkdir(parents=True, exist_ok=True)
        for claim in self.path.glob("*.claim"):
            if not claim.with_suffix(".json").exists():
                claim.unlink()

    def claim(self, job: Job) -> bool:
        """Return whether this process may train it: the first that asks."""
        try:
            os.close(os.open(self.path / f"{job.name}.claim", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def answer(self, job: Job) -> Path:
        """Return the file of its answers."""
        return self.path / f"{job.name}.json"

    def weights(self, job: Job) -> Path:
        """Return the file of its weights."""
        return self.path / f"{job.name}.pt"

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
    if len(folder.candidates[stream]) == 1:
        return folder.candidates[stream][0]
    best: tuple[float, str] | None = None
    for variant in folder.candidates[stream]:
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
    states, variants, fused = {}, {}, FUSIONS[job.variant]
    for stream in fused.streams:
        variant = "sequence" if stream == "sequence" else chosen(folder, stream, job.set, all_jobs)
        if variant is None:
            return None
        variants[stream] = variant
        names = {f"{job.set}-{job.group}-{job.seed}-{stream}-{one}" for one in (variant, "chosen")}
        there = [folder.path / f"{one}.pt" for one in sorted(names) if (folder.path / f"{one}.pt").exists()]
        if not there:
            return None
        states[stream] = torch.load(io.BytesIO(there[0].read_bytes()), weights_only=True)
    setting = Setting(
        views=FUSION_VIEWS,
        batch=16,
        active=True,
        mirror=0.5,
        tiles="rgb" in variants and SETTINGS[variants["rgb"]].tiles,
        zoom=SETTINGS[variants["pose"]].zoom,
    )
    model = model_of(fused.streams, fused.settings, setting)
    phase = phase_of("fusion", setting)
    return Training(clips, "fusion", model, train, labels, classes, phase, setting, job.seed, states)


def candidates_of(picked: list[str]) -> Candidates:
    """Return the variants to choose from; of a stream with a picked one that alone."""
    return {**CANDIDATES, **{variant.split(".")[0]: (variant,) for variant in picked}}


def shorten(training: Training, options: argparse.Namespace) -> None:
    """Give a training the number of steps that --views and --steps ask for."""
    if options.views and training.part in CANDIDATES:
        training.steps = len(training.train) * options.views // training.phase.batch
    if options.steps:
        training.steps = min(training.steps, options.steps)


def worker(options: argparse.Namespace, end: float, number: int) -> None:
    """Train job after job, several in turns, until there is none or the time is over."""
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    clips = Clips(options.pack, device, half=device.type == "cpu" and options.half)
    folder = Folder(options.folder, candidates_of(options.pick))
    all_jobs = jobs_of(clips, folder.candidates)
    wanted = [job for only in options.only for job in all_jobs if re.search(only, job.name)]
    print(f"worker {number}: {len(clips)} clips, {len(wanted)} jobs, {end - time.time():.0f} s left", flush=True)
    running: list[tuple[Job, Training, float]] = []
    while time.time() < end:
        while len(running) < options.slots and (found := _next(clips, folder, wanted, all_jobs)):
            found[1].graphs = number % 4 != 3  # should graphs fail, some go on without
            shorten(found[1], options)
            running.append((*found, time.time()))
        if not running:
            if all((options.folder / f"{job.name}.claim").exists() for job in wanted):
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
        if (folder.path / f"{job.name}.claim").exists():
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
    for stream in FUSIONS[job.variant].streams:
        variant = "sequence" if stream == "sequence" else chosen(folder, stream, job.set, all_jobs)
        names = [f"{job.set}-{job.group}-{job.seed}-{stream}-{one}.pt" for one in (variant, "chosen")]
        if variant is None or not any((folder.path / one).exists() for one in names):
            return False
    return True


def main() -> None:
    """Run the workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--folder", type=Path, default=Path("results/real_people_gpu"), help="weights, while it runs")
    parser.add_argument("--limit", type=float, default=1800, help="seconds, all in all")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--slots", type=int, default=3, help="trainings that a process has at a time")
    parser.add_argument(
        "--only", nargs="*", default=[""], help="jobs whose name has one of these regular expressions, in their order"
    )
    parser.add_argument(
        "--pick", nargs="*", default=[], help="pose.zoom, rgb.long: that variant instead of a choice by the other set"
    )
    parser.add_argument("--views", type=int, help="how often images and heatmaps of each training clip are seen")
    parser.add_argument("--half", action="store_true", help="bf16 on a CPU too")
    parser.add_argument("--steps", type=int, default=0, help="at most so many a training: to try it out")
    options = parser.parse_args()
    end = time.time() + options.limit
    folder = Folder(options.folder, candidates_of(options.pick))
    folder.prepare()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=worker, args=(options, end, n)) for n in range(options.processes)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(max(1.0, end + 12 - time.time()))
        if process.is_alive():
            process.kill()
    found = sorted(folder.path.glob("*.json"))
    write_text(options.output, "".join(path.read_text(encoding="utf-8") + "\n" for path in found))
    print(f"{len(found)} trainings done", flush=True)


if __name__ == "__main__":
    main()
