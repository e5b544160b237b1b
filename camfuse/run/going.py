"""One run of a folder at a time: its jobs read config and clip table when they start, so neither may change meanwhile.

Snakemake's own lock is looked at after the workflow has been read, which writes both, and knows of runs that were
started in the same folder only.
"""

import errno
import fcntl
from pathlib import Path
from typing import TextIO

from camfuse.errors import ConfigError
from camfuse.files import naming

FILE = "running.lock"
"""Its name in the run's folder; that it is there says nothing, only that a process holds it."""
TAKEN = (errno.EWOULDBLOCK, errno.EACCES)
"""Of a lock that another process has; other errors mean a file system without locks, where none is kept."""


def hold(folder: Path) -> TextIO:
    """Keep other runs off a run's folder until what is returned is closed, or the process ends, however it ends.

    Raises
    ------
    ConfigError
        If another run of it is going on.
    OSError
        If the disk does not take the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with naming(path):
        file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            file.close()
            raise ConfigError(
                f"expected no other run of {folder}, found one that is going on: wait for its end, or stop it with "
                "Ctrl-C (the same command goes on where it was)"
            ) from error
    return file


def is_going(folder: Path) -> bool:
    """Return whether a run of the folder is going on."""
    if not (folder / FILE).is_file():
        return False
    try:
        hold(folder).close()
    except ConfigError:
        return True
    return False
