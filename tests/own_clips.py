"""A run over videos that a test may touch, replace, add and remove: the small run's, as files of their own."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from small_run import SMALL, Workflow

from camfuse.clips.table import shard_of

SHARDS = 2
LATER = "asq_Y"
"""The clip that the table leaves out, for tests that add one."""


@dataclass
class OwnClips:
    """A working folder with ``videos/``, ``keypoints/`` and the table ``clips.csv``."""

    workflow: Workflow

    @property
    def folder(self) -> Path:
        return self.workflow.folder

    def video(self, clip_id: str) -> Path:
        return self.folder / "videos" / f"{clip_id}.mp4"

    def shard_of(self, clip_id: str) -> str:
        return shard_of(clip_id, SHARDS)

    def members(self, shard: str) -> list[str]:
        return [clip_id for clip_id in self.table()["clip_id"] if self.shard_of(clip_id) == shard]

    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "clips.csv", dtype=str, keep_default_na=False)

    def write(self, table: pd.DataFrame) -> None:
        table.to_csv(self.folder / "clips.csv", index=False)

    def add(self, clip_id: str) -> None:
        everything = pd.read_csv(self.folder / "all.csv", dtype=str, keep_default_na=False)
        self.write(pd.concat([self.table(), everything[everything["clip_id"] == clip_id]]))

    def remove(self, clip_id: str) -> None:
        table = self.table()
        self.write(table[table["clip_id"] != clip_id])

    def copy(self, folder: Path) -> "OwnClips":
        """Return a copy that a test may change, time stamps and Snakemake's records included."""
        shutil.copytree(self.folder, folder)
        return OwnClips(Workflow(folder, self.workflow.settings))


def own_clips(finished: Workflow, folder: Path) -> OwnClips:
    """Lay out the finished small run's videos and recordings as somebody's own data, in relative paths."""
    made = finished.folder / "results"
    rows = pd.read_csv(made / "clips" / "clips.csv", dtype=str, keep_default_na=False)
    for name in ("videos", "keypoints"):
        (folder / name).mkdir(parents=True)
    for row in rows.itertuples():
        shutil.copyfile(finished.folder / row.video, folder / "videos" / f"{row.clip_id}.mp4")
        shutil.copyfile(finished.folder / row.annotation, folder / "keypoints" / f"{row.clip_id}.pose")
    table = rows[["clip_id", "label", "signer", "split"]].assign(
        video=[f"videos/{clip_id}.mp4" for clip_id in rows["clip_id"]],
        annotation=[f"keypoints/{clip_id}.pose" for clip_id in rows["clip_id"]],
    )
    table.to_csv(folder / "all.csv", index=False)
    settings: dict[str, Any] = SMALL | {"clips": {"csv": {"table": "clips.csv"}, "shards": SHARDS}}
    own = OwnClips(Workflow(folder, settings))
    own.write(table[table["clip_id"] != LATER])
    return own


def run_data_and_graft(own: OwnClips, finished: Workflow) -> None:
    """Make the data stages really, and put the small run's trainings and report behind them: enough to plan with."""
    own.workflow.run("data")
    for name in ("train", "evaluate", "report"):
        shutil.copytree(finished.folder / "results" / name, own.folder / "results" / name)
        now = time.time()
        for path in (own.folder / "results" / name).rglob("*"):
            os.utime(path, (now, now))  # younger than what they rest on
