"""The whole recipe on shards that are there: each stream, then fusion, each in a process of its own.

The workflow runs the same trainings as rules, and makes the shards before; this is for a machine where they lie
ready.
"""

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from camfuse.errors import ShardError, bullet_list
from camfuse.run.layout import Run, check_complete
from camfuse.run.trainable import check_trainable

log = logging.getLogger(__name__)


def check_shards(run: Run, file: Path) -> None:
    """Look whether every shard that the recipe reads is there and of this config.

    Parameters
    ----------
    run
        The run.
    file
        Where its config was read from, for the advice.

    Raises
    ------
    ShardError
        Naming what is missing and the command that makes it.
    """
    advice = f"make the data first: snakemake data --cores 2 --configfile {file}"
    table = run.clip_files.clips
    if not table.is_file():
        raise ShardError(f"{table}: expected the clip table of prepared data, found no file; {advice}")
    if problems := check_complete(run):
        raise ShardError(
            f"{run.output}: {len(problems)} shard(s) are missing or stale; {advice}\n{bullet_list(problems)}"
        )


def train_recipe(run: Run, file: Path, options: Sequence[str] = ()) -> int:
    """Train the parts one after the other.

    A part that was trained before under the same config and clips is not trained again; a stopped one resumes.

    Parameters
    ----------
    run
        The run; its config has what `options` change of it.
    file
        Where the config was read from.
    options
        Further options of ``camfuse train-part``, as its command line takes them.

    Returns
    -------
    int
        Exit code of the first training that failed, which has said why; 0 if all went well.

    Raises
    ------
    ShardError
        If shards are missing or stale.
    TableError
        If the clips could not be trained and tested.
    """
    check_shards(run, file)
    check_trainable(run)
    streams = run.config.model.streams
    for part in run.config.model.parts:
        init = [f"--init={run.training(stream).best}" for stream in streams] if part == "fusion" else []
        places = [
            f"--config={file}",
            f"--output={run.training(part).folder}",
            f"--log={run.log(f'train_{part}')}",
        ]
        # a process each, as in the workflow: several GPUs start this program once more for each of them
        done = subprocess.run(
            [sys.executable, "-m", "camfuse", "train-part", part, *places, *init, *options], check=False
        )
        if done.returncode:
            log.error("%s: the training failed", part)
            return done.returncode
    return 0
