"""A small run that is finished, and damage done to its files."""

from pathlib import Path

import pandas as pd
from made_training import MadeRun, MakeRun, phase

from camfuse.clips.leaks import COLUMNS
from camfuse.clips.table import SHARD_COLUMNS
from camfuse.evaluate.run import evaluate

MODEL = {"pose": {"depths": [1, 1, 1], "channels": 4}, "rgb": None, "fusion": None}


def whole_run(make_run: MakeRun, folder: Path) -> MadeRun:
    """Make, train and test a run of the pose stream alone."""
    train = {"pose": phase(epochs=2, repeat=1, batch=4)}
    run = make_run(folder, {"train": 2, "val": 1, "test": 1}, model=MODEL, train=train)
    (run.clips / "shards").mkdir()
    for name, rows in run.run.clips().groupby("shard"):
        rows[list(SHARD_COLUMNS)].to_csv(run.run.clip_files.shard(str(name)), index=False)
    pd.DataFrame(columns=list(COLUMNS)).to_csv(run.run.clip_files.leaks, index=False)
    evaluate(run.run, {"pose": run.train("pose") / "best.ckpt"}, run.run.evaluation.folder)
    return run


def flip(path: Path, at: int) -> None:
    """Flip a bit of the byte at a place; a negative one counts from the end."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)
