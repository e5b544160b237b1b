"""How well words of real people are recognised who were not there in training.

    python -m benchmarks.real_people --data DIR --plain DIR/../tools/plain_network.py --seeds 1 2 3

Every row gets the same keypoints in the same folds. What each clip came to stands in --kept, from which the page is
written: what is there is not done again. Nor is what a stopped run has left in --work.
"""

import argparse
import hashlib
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.config_changes import changed
from benchmarks.real_people_grids import ROWS, Grids, task_of
from benchmarks.real_people_kept import Kept
from benchmarks.real_people_report import ANCHOR, report, table
from benchmarks.real_people_rows import Row, Task, chance, plain_network, ridge, time_warping
from benchmarks.real_people_sets import INNER, SETS, People
from camfuse.files import write_text

HERE = Path(__file__).parent
KEPT, WORK = HERE / "results" / "real_people.json", Path("results/real_people")
FIXED: dict[str, Row] = {"chance": chance, "ridge": ridge, "time warping": time_warping}
"""Rows without random numbers: one run serves for all seeds."""


def main() -> None:
    options = parsed()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    kept, sections = Kept(options.kept), []
    for name in options.sets:
        people = SETS[name].read(options.data, options.work)
        grids = grids_of(name, people, options)
        rows = FIXED | ({ANCHOR: plain_network(options.plain)} if options.plain else {}) | grids.rows()
        for title, row in rows.items():
            if options.rows is not None and title not in options.rows:
                continue
            seeds = [0] if title in FIXED else options.seeds
            for seed in sorted(set(seeds) - set(kept.seeds(name, people, title))):
                folder = options.work / "outcomes" / name / title.replace(" ", "_")
                right, seconds = run(people, row, seed, folder)
                kept.add(name, people, title, seed, right, seconds)
                print(name, title, seed, f"{100 * right.mean():.1f}", flush=True)
        there = [title for title in (*FIXED, ANCHOR, *ROWS) if kept.seeds(name, people, title)]
        outcomes = {title: kept.outcome(name, people, title) for title in there}
        if outcomes:
            sections.append(table(SETS[name].title, len(people.classes), outcomes))
    write_text(options.output, report(command(options), sections))


def grids_of(name: str, people: People, options: argparse.Namespace) -> Grids:
    """Return the rows of a set's streams on grids, with the set of its inner folds where it has one."""
    inner_name = INNER.get(name)
    inner = inner_name and grids_of(inner_name, SETS[inner_name].read(options.data, options.work), options)
    changes = changed({"machine": {"device": options.device}}, options.set)
    return Grids(SETS[name], people, options.work / "runs" / name, changes, inner or None)


def command(options: argparse.Namespace) -> str:
    """Return the command as the page names it."""
    seeds = " ".join(map(str, options.seeds))
    return f"python -m benchmarks.real_people --data DIR --plain PLAIN_NETWORK --seeds {seeds}"


def parsed() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips/ and keypoints/")
    parser.add_argument("--plain", type=Path, help="plain_network.py; without it, its row is left out")
    default = [name for name in SETS if name not in INNER.values()]
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=default)
    names = [*FIXED, ANCHOR, *ROWS]
    parser.add_argument("--rows", nargs="*", choices=names, metavar="ROW", help="only these; none: only the page")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings; --work and --kept of their own"
    )
    parser.add_argument("--kept", type=Path, default=KEPT, help="answers by clip")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--work", type=Path, default=WORK, help="poses, and what is done")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of the streams and their fusions")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "real_people.md")
    options = parser.parse_args()
    if options.set and (options.kept == KEPT or options.work == WORK):
        parser.error(f"--set: other settings need --kept and --work of their own, not {KEPT.name} and {WORK}")
    return options


def run(people: People, row: Row, seed: int, folder: Path) -> tuple[NDArray[np.bool_], float]:
    """Train and test one row in all folds, but for what the folder has of the same task.

    Returns
    -------
    tuple
        Whether each test clip is recognised, fold after fold, and the mean of the folds' processor seconds.
    """
    right, seconds = [], []
    for number, fold in enumerate(people.folds):
        scores, spent = scored(task_of(people, fold), row, seed, folder / f"{number}-{seed}.npz")
        right.append(scores.argmax(1) == people.labels[fold[2]])
        seconds.append(spent)
    return np.concatenate(right), float(np.mean(seconds))


def scored(task: Task, row: Row, seed: int, path: Path) -> tuple[np.ndarray, float]:
    """Return the scores of the test clips and the processor seconds they took, from the file where it has them."""
    expected = fingerprint(task)
    if path.exists():
        with np.load(path) as stored:
            if str(stored["fingerprint"]) == expected:
                return stored["scores"], float(stored["seconds"])
    start = time.process_time()
    scores = row(task, seed)
    spent = time.process_time() - start
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, fingerprint=expected, scores=scores, seconds=spent)
    return scores, spent


def fingerprint(task: Task) -> str:
    """Return a hash of all that a row sees of a task."""
    digest = hashlib.sha256(repr((task.labels.tolist(), task.signers, task.classes)).encode())
    for clip in (*task.train, *task.test):
        digest.update(np.ascontiguousarray(clip).tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
