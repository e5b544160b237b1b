"""Fixtures that every room's tests use."""

import os
from pathlib import Path
from typing import Any

import pytest

from camfuse.config import Config, parse_config

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real videos and label files, which lie beside the project where they are at all."""
    folder = Path(os.environ.get("CAMFUSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the real data of {folder} (set CAMFUSE_SHARED_DATA), which is not there")
    return folder


@pytest.fixture
def make_config(tmp_path: Path) -> Any:
    """Return a function that makes a small config: `make_config(heatmaps={"sigma": 1.0})`."""

    def make(**sections: Any) -> Config:
        values: dict[str, Any] = {
            "output": str(tmp_path / "results"),
            "clips": {"folder": {"videos": str(tmp_path / "videos")}, "shards": 2},
            "pose": {"mediapipe": {}},
        }
        return parse_config(values | sections)

    return make
