"""The network compiled by torch: the same layers in fewer kernels."""

import logging
import os

from camfuse.config import Config, Part
from camfuse.model.device import pick_device
from camfuse.model.recogniser import Recogniser

log = logging.getLogger(__name__)
WORTH_IT, WORTH_IT_FOLDED = 100_000, 200_000
"""Views of clips from which on compiling saves more time than it takes (H200): of a training over all epochs, or of a
test in float32 over all samplings; and of a test that would otherwise fold (`camfuse.model.folded`)."""


def compiles(config: Config, views: int, worth_it: int = WORTH_IT) -> bool:
    """Return whether a training, or a test, compiles its network.

    Parameters
    ----------
    config
        The run's config.
    views
        How often it sees a clip, over all epochs or samplings.
    worth_it
        Views from which on compiling saves time.
    """
    machine = config.machine
    if machine.recompute or machine.compile == "off":
        return False
    alone = machine.devices * machine.nodes == 1
    return machine.compile == "on" or (pick_device(config) == "cuda" and alone and views >= worth_it)


def compile_network(model: Recogniser, config: Config) -> None:
    """Let a network be compiled when it is first called, once for training and once for validation.

    Names of parameters and what is saved stay as they are. Every batch must have the same size.
    """
    part: Part = model.part
    # read by torch when it compiles; a user's own setting stands
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(config.machine.compile_cache.absolute()))
    log.info("%s: compiles its network (machine.compile), kernels in %s", part, os.environ["TORCHINDUCTOR_CACHE_DIR"])
    model.compile(dynamic=False)
