"""Every source of the config has its reader."""

from typing import get_args

import pytest

from camfuse.clips.sources.entry import SourceEntry
from camfuse.config import Clips
from camfuse.config.sources import SOURCE_KEYS
from camfuse.entries import find_entry


@pytest.mark.parametrize("key", SOURCE_KEYS)
def test_the_reader_of_a_key_is_the_module_of_its_name(key: str) -> None:
    entry = find_entry("camfuse.clips.sources", key, SourceEntry)
    assert entry.section in get_args(Clips.model_fields[key].annotation)
    assert entry.drawn == (key == "fingerspelling")
    assert all(package.install for package in entry.packages)
