"""Fixtures that every room's tests use."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import made_training
import pytest
from counting import PROPERTY, CasesOf, lines
from hypothesis import HealthCheck, settings
from made_training import MadeRun, MakeConfig, MakeRun
from made_videos import OtherFfmpeg

from camfuse import ffmpeg_tool
from camfuse.config import Config, parse_config
from camfuse.run.layout import Run

ROOT = Path(__file__).parents[1]
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # what is late on a busy machine is no failure


@pytest.fixture
def cases_of(record_property: Callable[[str, object], None]) -> CasesOf:
    """Return a function that counts cases for the end of the run."""

    def count(what: str, *, survived: int = 0, refused: int = 0) -> None:
        record_property(PROPERTY, (what, survived, refused))

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many cases were tried and what became of them."""
    found = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    if said := lines(found, terminalreporter.getreports("failed")):
        terminalreporter.write_sep("-", "cases")
        terminalreporter.write("\n".join([*said, ""]))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real videos and label files, which lie beside the project where they are at all."""
    folder = Path(os.environ.get("CAMFUSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the real data of {folder} (set CAMFUSE_SHARED_DATA), which is not there")
    return folder


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """Return a function that makes a small config: `make_config(heatmaps={"sigma": 1.0})`."""

    def make(**sections: Any) -> Config:
        values: dict[str, Any] = {
            "output": str(tmp_path / "results"),
            "clips": {"folder": {"videos": str(tmp_path / "videos")}, "shards": 2},
            "pose": {"mediapipe": {}},
        }
        return parse_config(values | sections)

    return make


@pytest.fixture
def other_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherFfmpeg]:
    """Return a function that puts a shell script in ffmpeg's place."""

    def place(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "ffmpeg").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    caches = (ffmpeg_tool.find_ffmpeg, ffmpeg_tool.ffmpeg_version)
    for cached in caches:
        cached.cache_clear()
    yield place
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Small nets on a busy machine: threads that wait for each other cost more than they do."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def make_run(one_thread: None) -> MakeRun:
    """Return a function that makes shards: `make_run(folder, {"train": 3, "val": 1})`, clips per class and split."""
    return made_training.make_run


@pytest.fixture(scope="session")
def trained(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    """Train all three parts once; tests must not change its files."""
    run = make_run(tmp_path_factory.mktemp("trained"), {"train": 4, "val": 2, "test": 3})
    init = tuple(run.train(part) / "best.ckpt" for part in ("rgb", "pose"))
    run.train("fusion", init=init)
    return run


@pytest.fixture(scope="session")
def whole(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> MadeRun:
    """Make a run that is trained and tested; tests must not change its files."""
    from made_whole import whole_run

    return whole_run(make_run, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def copy(whole: MadeRun, tmp_path: Path) -> Run:
    """Return a copy of that run, to be damaged."""
    shutil.copytree(whole.config.output, tmp_path / "copy")
    return Run.from_folder(tmp_path / "copy")
