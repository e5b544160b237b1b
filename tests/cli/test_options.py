"""How every command begins: its config, its log, and what the command line changes."""

import logging
import platform
import sys
from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.cli.options import chosen, start
from camfuse.config import dump_config, load_config


def test_start_writes_a_log_that_names_python(config_file: Path, log_as_before: None, tmp_path: Path) -> None:
    path = tmp_path / "logs" / "frames" / "0000.log"
    path.parent.mkdir(parents=True)
    path.write_text("of a run before\n", encoding="utf-8")
    assert start(config_file, path) == load_config(config_file)
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert line.endswith(f"INFO camfuse: Python {platform.python_version()}, {sys.executable}")
    assert logging.getLogger("camfuse").level == logging.INFO


def test_start_makes_the_folder_of_the_log(config_file: Path, log_as_before: None, tmp_path: Path) -> None:
    start(config_file, tmp_path / "logs" / "frames" / "0000.log")
    assert (tmp_path / "logs" / "frames" / "0000.log").is_file()


@pytest.mark.parametrize(
    ("level", "number"), [("debug", logging.DEBUG), ("info", logging.INFO), ("warning", logging.WARNING)]
)
def test_start_sets_the_level(
    make_config: MakeConfig, log_as_before: None, tmp_path: Path, level: str, number: int
) -> None:
    config, path = tmp_path / "level.yaml", tmp_path / "level.log"
    config.write_text(dump_config(make_config(machine={"log_level": level})), encoding="utf-8")
    start(config, path)
    assert logging.getLogger("camfuse").level == number
    assert ("Python" in path.read_text(encoding="utf-8")) == (level != "warning")


@pytest.mark.parametrize("name", ["LOCAL_RANK", "SLURM_PROCID"])
def test_only_the_first_process_writes_the_log(
    config_file: Path, log_as_before: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    start(config_file, tmp_path / "second" / "train.log")
    assert not (tmp_path / "second").exists()
    monkeypatch.setenv(name, "0")
    start(config_file, tmp_path / "first" / "train.log")
    assert (tmp_path / "first" / "train.log").is_file()


def test_without_a_log_file_none_is_written(config_file: Path, log_as_before: None, tmp_path: Path) -> None:
    handlers = list(logging.getLogger().handlers)
    start(config_file, None)
    assert logging.getLogger().handlers == handlers
    assert list(tmp_path.iterdir()) == [config_file]


def test_what_the_command_line_says_otherwise(make_config: MakeConfig) -> None:
    config = make_config()
    assert chosen(config, None, None) == config
    two = chosen(config, 2, False)
    assert (two.machine.device, two.machine.devices, two.train.validation) == ("cuda", 2, False)
    assert chosen(config, 0, None).machine.device == "cpu"
    assert chosen(config, 0, None).train == config.train
    assert config == make_config()  # a copy was changed
