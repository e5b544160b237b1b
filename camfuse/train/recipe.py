"""The whole recipe on shards that are there: rgb, then pose, then fusion, each in a process of its own.

The workflow runs the same three trainings as rules, and makes the shards before; this is for a machine where they lie
ready.
"""

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from camfuse.clips.table import read_clips
from camfuse.config import PARTS, Config
from camfuse.errors import ShardError, bullet_list
from camfuse.run.shard import Shard
from camfuse.run.stages import fingerprint

log = logging.getLogger(__name__)
STAGES = ("crops", "heatmaps")


def check_shards(config: Config, file: Path) -> None:
    """Look whether every shard that the recipe reads is there and of this config.

    Parameters
    ----------
    config
        The run's config.
    file
        Where it was read from, for the advice.

    Raises
    ------
    ShardError
        Naming what is missing and the command that makes it.
    """
    advice = f"make the data first: snakemake data --cores 2 --configfile {file}"
    table = config.output / "clips" / "clips.csv"
    if not table.is_file():
        raise ShardError(f"{table}: expected the clip table of prepared data, found no file; {advice}")
    problems = []
    for stage in STAGES:
        for name in sorted(read_clips(table)["shard"].unique()):
            try:
                path = config.output / stage / f"{name}.h5"
                Shard(path, stage=stage, fingerprint=fingerprint(stage, config)).close()
            except ShardError as error:
                problems.append(str(error))
    if problems:
        raise ShardError(
            f"{config.output}: {len(problems)} shard(s) are missing or stale; {advice}\n{bullet_list(problems)}"
        )


def train_recipe(config: Config, file: Path, options: Sequence[str] = ()) -> int:
    """Train the three parts one after the other.

    A part that was trained before under the same config and clips is not trained again; a stopped one resumes.

    Parameters
    ----------
    config
        The run's config, with what `options` change of it.
    file
        Where it was read from.
    options
        Further options of ``camfuse train PART``, as its command line takes them.

    Returns
    -------
    int
        Exit code of the first training that failed, which has said why; 0 if all went well.

    Raises
    ------
    ShardError
        If shards are missing or stale.
    """
    check_shards(config, file)
    folder = config.output / "train"
    for part in PARTS:
        init = [f"--init={folder / stream / 'best.ckpt'}" for stream in PARTS[:2]] if part == "fusion" else []
        places = [
            f"--config={file}",
            f"--output={folder / part}",
            f"--log={config.output / 'logs' / f'train_{part}.log'}",
        ]
        # a process each, as in the workflow: several GPUs start this program once more for each of them
        done = subprocess.run([sys.executable, "-m", "camfuse", "train", part, *places, *init, *options], check=False)
        if done.returncode:
            log.error("%s: the training failed", part)
            return done.returncode
    return 0
