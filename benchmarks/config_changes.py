"""Settings of a config that a benchmark's command line changes: KEY=VALUE, the key with dots."""

from collections.abc import Iterable
from typing import Any

import yaml

from camfuse.config.read import merged


def changed(values: dict[str, Any], changes: Iterable[str]) -> dict[str, Any]:
    """Return a config's plain values with `changes` put in."""
    for change in changes:
        key, _, value = change.partition("=")
        nested: Any = yaml.safe_load(value)
        for part in reversed(key.split(".")):
            nested = {part: nested}
        values = merged(values, nested)
    return values
