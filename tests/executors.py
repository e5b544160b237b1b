"""Executor plugins of Snakemake, each in a folder of its own: every start imports all that it finds on its path."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(sys.prefix) / "executors"
MODULES = {"slurm": "snakemake_executor_plugin_slurm", "generic": "snakemake_executor_plugin_cluster_generic"}


def environment_with(name: str) -> dict[str, str]:
    """Return what to add to the environment of a Snakemake that needs the plugin, or skip the test."""
    if find_spec(MODULES[name]):
        return {}
    if not (FOLDER / name / MODULES[name]).is_dir():
        pytest.skip(f"needs {MODULES[name]}: make executors")
    found = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(FOLDER / name), *([found] if found else [])])}
