"""Whether a training resumes, and from which of the states that it was stopped with."""

import logging
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from camfuse.digest import is_whole
from camfuse.errors import WeightsError
from camfuse.run.layout import TrainingFiles
from camfuse.train.module import TrainingIdentity
from camfuse.weights.safe import read_checkpoint

log = logging.getLogger(__name__)


def resumable(files: TrainingFiles, identity: TrainingIdentity) -> dict[str, Any] | None:
    """Return the state to resume from, or None with the reason logged.

    Parameters
    ----------
    files
        Of the training: what an earlier start left there.
    identity
        What the state must belong to: it is not resumed under another config, nor with other clips or another number of
        processes.
    """
    last, best = files.last, files.best_so_far
    state = _last_whole_state(files)
    if state is None:
        return None
    try:
        found, epochs = state["camfuse"]["labels"], state["camfuse"]["epochs"]
    except KeyError as error:
        log.warning("%s: cannot be resumed (%r): training starts anew", last, error)
        return None
    if found != asdict(identity):
        log.info("%s: belongs to another config, other clips or other checkpoints: training starts anew", last)
        return None
    if epochs and not best.exists():
        log.warning("%s: missing beside %s: training starts anew", best, last)
        return None
    if epochs and is_whole(best) is False:
        log.warning("%s: damaged, and with it the best epoch until now: training starts anew", best)
        return None
    return state


def _last_whole_state(files: TrainingFiles) -> dict[str, Any] | None:
    """Read the last state, or, where that is damaged, the one before, which then takes its place."""
    last, before = files.last, files.before_last
    for path in (last, before, last):  # again: another process may have put the one before into its place
        if not path.exists():
            continue
        try:
            state = read_checkpoint(path)
        except WeightsError as error:
            log.warning("%s: cannot be resumed: %s", path, error)
            continue
        if path == before:
            log.warning("%s is damaged or missing: resumes from the state before it, %s", last, before)
            with suppress(FileNotFoundError):
                before.replace(last)
        return state
    if last.exists():
        log.warning("%s: no whole state is left: training starts anew", files.folder)
    return None
