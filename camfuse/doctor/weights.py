"""Whether the weights that a config names are there and whole."""

from collections.abc import Iterator

from camfuse.config import Config
from camfuse.doctor.finding import Finding
from camfuse.prep.requirements import needed_weights


def check_weights(config: Config) -> Iterator[Finding]:
    """Look at each file of weights that the run will load, and compare its hash."""
    for needed in needed_weights(config):
        state, words = needed.state().split(maxsplit=1)
        if state == "ready":
            yield Finding("ok", "weights", words)
        elif needed.checkpoint.url:
            yield Finding("missing", "weights", f"{state}: {words}", "camfuse weights CONFIG")
        else:
            yield Finding("missing", "weights", f"{state}: {words}", "put the file there, or change its `path`")
