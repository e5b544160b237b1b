"""The commands for people."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_results import made_results, made_score
from made_training import MadeRun, MakeConfig
from run_command import camfuse, write_config
from typer.testing import CliRunner

from camfuse.cli import app
from camfuse.config import WeightsFile, dump_config, load_config
from camfuse.config.reference import default_yaml
from camfuse.errors import ConfigError, TableError
from camfuse.evaluate.result_text import result_text
from camfuse.evaluate.results import write_results
from camfuse.run.layout import Run
from camfuse.weights.needed import Needed


@pytest.fixture(scope="module")
def config(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config file of the run that is trained already."""
    return write_config(trained, tmp_path_factory.mktemp("config") / "made.yaml")


def test_results_of_a_run_and_of_none(trained: MadeRun, config: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="found no file; run the workflow first"):
        camfuse("results", "--config", write_config(trained.with_config(output=str(tmp_path)), tmp_path / "x.yaml"))


def recorded(monkeypatch: pytest.MonkeyPatch, function: str, answer: Any = None) -> list[tuple[Any, ...]]:
    """Replace a function by one that keeps what it is given."""
    calls: list[tuple[Any, ...]] = []

    def keep(*given: Any) -> Any:
        calls.append(given)
        return answer

    monkeypatch.setattr(function, keep)
    return calls


def test_report_writes_the_page(monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None) -> None:
    calls = recorded(monkeypatch, "camfuse.report.page.write_report")
    camfuse("report", "--config", config_file, "--output", "index.html")
    assert calls == [(Run(load_config(config_file)), Path("index.html"))]


def test_show_draws_a_clip_or_a_video(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None, tmp_path: Path
) -> None:
    clips = recorded(monkeypatch, "camfuse.show.run.show")
    videos = recorded(monkeypatch, "camfuse.show.run.show_video")
    settings, video = load_config(config_file), tmp_path / "own.mp4"
    assert camfuse("show", "a-clip", "--config", config_file, "--output", "a.png", "--columns", 3) == "a.png\n"
    assert (clips, videos) == ([(Run(settings), "a-clip", Path("a.png"), 3)], [])
    video.touch()
    camfuse("show", video, "--config", config_file, "--output", "b.gif")
    assert videos == [(video, settings, Path("b.gif"), 8)]
    assert len(clips) == 1


def test_show_draws_the_worst_or_one_never_both(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None
) -> None:
    calls = recorded(monkeypatch, "camfuse.show.worst.show_worst", Path("worst/index.html"))
    assert camfuse("show", "--worst", 20, "--config", config_file, "--output", "worst") == "worst/index.html\n"
    assert calls == [(Run(load_config(config_file)), 20, Path("worst"), 8)]
    for given in ((), ("a-clip", "--worst", 2)):
        done = CliRunner().invoke(app, ["show", *map(str, given), "--config", str(config_file), "--output", "x"])
        assert done.exit_code == 2 and "either a clip or --worst" in done.output


def test_results_are_printed_with_where_the_report_is(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None, caplog: pytest.LogCaptureFixture
) -> None:
    found, run = made_results({"rgb": made_score(0.75)}), Run(load_config(config_file))
    calls = recorded(monkeypatch, "camfuse.evaluate.results.read_results", found)
    assert camfuse("results", "--config", config_file) == f"{result_text(found)}\nreport: {run.report}\n"
    assert "of another config or version" in caplog.text
    caplog.clear()
    found = replace(found, fingerprint=run.fingerprint("evaluate"))
    recorded(monkeypatch, "camfuse.evaluate.results.read_results", found)
    camfuse("results", "--config", config_file)
    assert "another config" not in caplog.text
    assert calls == [(run.evaluation,)]


def test_results_are_printed_though_the_first_weights_are_gone(
    make_config: MakeConfig, log_as_before: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = make_config(output=str(tmp_path / "run"), model={"rgb": {"weights": {"path": str(tmp_path / "gone.pth")}}})
    (tmp_path / "gone.yaml").write_text(dump_config(config))
    write_results(made_results({"rgb": made_score(0.75)}), Run(config).evaluation)
    assert "report: " in camfuse("results", "--config", tmp_path / "gone.yaml")
    (tmp_path / "run" / "config.yaml").write_text(dump_config(config))
    assert f"report: {tmp_path / 'run'}" in camfuse("results", tmp_path / "run")
    with pytest.raises(ConfigError, match="one of the two"):
        camfuse("results", tmp_path / "run", "--config", tmp_path / "gone.yaml")
    assert "cannot be compared" in caplog.text


def test_weights_fetches_what_is_not_there(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, log_as_before: None, tmp_path: Path
) -> None:
    there, absent = tmp_path / "there.pth", tmp_path / "absent.pth"
    there.write_bytes(b"weights")
    needed = [Needed("model.rgb.weights", WeightsFile(path=path), path) for path in (there, absent)]
    recorded(monkeypatch, "camfuse.prep.requirements.needed_weights", needed)
    fetched: list[Needed] = []

    def fetch(one: Needed) -> None:
        fetched.append(one)
        one.path.write_bytes(b"weights")

    monkeypatch.setattr("camfuse.weights.fetch.fetch_weights", fetch)
    looked = CliRunner().invoke(app, ["weights", str(config_file), "--list"])
    assert looked.exit_code == 2 and fetched == []
    assert [line.split()[0] for line in looked.stdout.splitlines()] == ["ready", "missing"]
    said = camfuse("weights", config_file).splitlines()
    assert fetched == needed[1:]
    assert [line.split()[0] for line in said] == ["ready", "fetching", "ready"]


def test_a_config_without_weights(monkeypatch: pytest.MonkeyPatch, config_file: Path) -> None:
    calls = recorded(monkeypatch, "camfuse.prep.requirements.needed_weights", ())
    assert camfuse("weights", config_file) == "this config needs no weights\n"
    assert calls == [(load_config(config_file),)]


def test_config_prints_a_file_or_all_there_is(
    monkeypatch: pytest.MonkeyPatch, config_file: Path, tmp_path: Path
) -> None:
    assert camfuse("config", config_file) == dump_config(load_config(config_file))
    assert camfuse("config") == default_yaml()
    calls = recorded(monkeypatch, "camfuse.config.reference.write_reference")
    assert camfuse("config", "--write", tmp_path) == ""
    assert calls == [(tmp_path,)]
