"""Python imports this at its start where the folder is on PYTHONPATH: note which files a process writes and renames."""

import os
import sys

TO_WRITE = os.O_WRONLY | os.O_RDWR
JOURNAL = os.open(os.environ["CAMFUSE_JOURNAL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        paths = [path] if isinstance(flags, int) and flags & TO_WRITE else []
    elif event == "os.rename":
        paths = list(arguments[:2])
    else:
        return
    names = [os.path.abspath(os.fsdecode(path)) for path in paths if isinstance(path, str | bytes | os.PathLike)]  # noqa: PTH100
    if names:
        os.write(JOURNAL, ("\t".join([event, *names]) + "\n").encode())


sys.addaudithook(note)
