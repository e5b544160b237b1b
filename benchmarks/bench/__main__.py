"""Ours beside the peers, row by row: figure, ratio, bound, goal.

    python -m benchmarks.bench [--data DIR] [--only rendering storage ...]

Prints each row as it is measured; writes ``results/bench.md`` and ``bench.json``. One thread.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2
import torch

from benchmarks.bench import loading, network, poses, preparation, rendering, storage
from benchmarks.bench.race import AnswersDifferError, Row, Rows, Scale, Skipped
from benchmarks.bench.report import line, write

SUBJECTS = {module.SUBJECT: module.rows for module in (rendering, storage, loading, network, preparation, poses)}
RESULTS = Path(__file__).parents[1] / "results"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 1 if answers differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with clips/asl: real videos for preparation and poses")
    parser.add_argument("--only", nargs="*", choices=list(SUBJECTS), default=list(SUBJECTS))
    parser.add_argument("--rounds", type=int, default=7, help="turns of each way")
    parser.add_argument("--quick", action="store_true", help="tiny: whether every row works; the figures mean nothing")
    parser.add_argument("--output", type=Path, default=RESULTS / "bench.md", help="beside it lies the .json")
    options = parser.parse_args(arguments)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    began, found, wrong = time.perf_counter(), list[Row | Skipped](), list[str]()
    try:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        with tempfile.TemporaryDirectory() as folder:
            scale = Scale(1 if options.quick else options.rounds, options.quick, Path(folder), options.data)
            for subject in options.only:
                wrong += measure(SUBJECTS[subject](scale), found)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    print("".join(f"ERROR {message}\n" for message in wrong), end="")
    minutes = (time.perf_counter() - began) / 60
    write(options.output, found, wrong, minutes, f"load {os.getloadavg()[0]:.1f}")
    print(f"{len(found)} rows in {minutes:.1f} minutes: {options.output}")
    return int(bool(wrong))


def measure(rows: Rows, found: list[Row | Skipped]) -> list[str]:
    """Add a subject's rows to `found` and print each; return what was wrong, which ends the subject."""
    try:
        for row in rows:
            found.append(row)
            print(line(row), flush=True)
    except AnswersDifferError as error:
        return [str(error)]
    return []


if __name__ == "__main__":
    raise SystemExit(main())
