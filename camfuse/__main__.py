"""``python -m camfuse``: the same as the command ``camfuse``."""

from camfuse.cli import main

main()
