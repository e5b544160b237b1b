"""The confusion of many classes as data for the page's one script, which searches and zooms in it."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray


@dataclass(frozen=True)
class Explorer:
    """What the script is given.

    Attributes
    ----------
    data
        JSON in which no character can end an element: ``labels``, and ``cells`` of (true, predicted, times).
    script
        The script, which is the package's own.
    """

    data: Markup
    script: Markup

    @property
    def policy(self) -> str:
        """The hash of the one script that the page's policy lets run."""
        digest = hashlib.sha256(self.script.encode()).digest()
        return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def explore(counts: NDArray[np.int64], labels: Sequence[str]) -> Explorer:
    """Set the counts (C, C), true by predicted, for the script: only cells that hold a clip."""
    cells = [[true, taken, int(counts[true, taken])] for true, taken in np.argwhere(counts).tolist()]
    return Explorer(as_data({"labels": list(labels), "cells": cells}), _script())


def as_data(content: object) -> Markup:
    """Write JSON that stands in a page: what could begin or end markup is escaped as JSON has it.

    So nothing in it can be markup any more.
    """
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # nosec B704


@cache
def _script() -> Markup:
    text = files("camfuse.report").joinpath("explore.js").read_text(encoding="utf-8")
    return Markup(text)  # nosec B704
