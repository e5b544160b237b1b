"""What can be known before the first job is said before it, and all at once."""

from contextlib import suppress
from functools import partial

from camfuse.clips.refresh import refresh
from camfuse.config import Config
from camfuse.errors import CamfuseError, TableError, bullet_list
from camfuse.prep.requirements import check_machine
from camfuse.run.layout import Run
from camfuse.run.trainable import training_problems


def prepare_clips(config: Config, *, packages: bool = True) -> None:
    """Look for what the run needs of the machine, and bring its clip table up to date.

    Parameters
    ----------
    config
        The run's config.
    packages
        Look for packages too: not where each job has a conda environment of its own.

    Raises
    ------
    CamfuseError
        Naming all that is wrong: missing packages and weights, label files, recordings; then also what would keep the
        clips from being trained, which alone is no error here (`camfuse.run.trainable`): data can be made of them.
    OSError
        If the disk does not take the table.
    """
    problems = []
    for look in (partial(check_machine, config, packages=packages), partial(refresh, config)):
        try:
            look()
        except CamfuseError as error:
            problems.append(str(error))
    if not problems:
        return
    with suppress(TableError):  # of a table that could be read before
        run = Run(config)
        if found := training_problems(config, run.clips(), run.classes()):
            problems.append(f"{run.clip_files.clips}: nothing could be trained and tested\n{bullet_list(found)}")
    raise CamfuseError("\n".join(problems))
