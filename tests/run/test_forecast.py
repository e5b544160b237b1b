"""A forecast is read as it was written, and set beside the jobs that are done since."""

import os
from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.errors import TableError
from camfuse.run.forecast import (
    Forecast,
    JobForecast,
    RuleForecast,
    compare,
    comparison_text,
    read_forecast,
    write_forecast,
)
from camfuse.run.layout import Run

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
MADE = 1_000_000.0


@pytest.fixture
def run(make_config: MakeConfig) -> Run:
    """A run with a forecast of two shards' frames and a training."""
    found = Run(make_config())
    found.output.mkdir(parents=True)
    frames = RuleForecast("frames", (JobForecast("frames/0000", 10, 8), JobForecast("frames/0001", 20, 16)), used_mb=90)
    training = RuleForecast("train_rgb", (JobForecast("train_rgb", 100, 150),), epochs=5, epoch_seconds=19.0)
    write_forecast(found, Forecast(MADE, 2, "cpu", 30, 8, 2.0, 123.0, (frames, training)))
    return found


def done(run: Run, name: str, row: str, at: float = MADE + 5) -> None:
    path = run.benchmark(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + row)
    os.utime(path, (at, at))


def test_what_is_written_is_read(run: Run) -> None:
    found = read_forecast(run)
    assert found is not None and found.rules[0].jobs[1] == JobForecast("frames/0001", 20, 16)
    assert (found.rules[0].seconds, found.rules[0].cpu_seconds, found.rules[1].epochs) == (30, 24, 5)


def test_only_jobs_that_are_done_since_are_compared(run: Run) -> None:
    assert compare(run) == [] and comparison_text([]) == ""
    done(run, "frames/0000", "12.0\t0:00:12\t100.0\t1\t1\t1\t0\t0\t80\t10.0\n")
    done(run, "frames/0001", "9.0\t0:00:09\t120.0\t1\t1\t1\t0\t0\t80\t9.0\n", at=MADE - 5)
    (row,) = compare(run)
    assert (row.rule, row.jobs, row.seconds, row.cpu_seconds) == ("frames", 1, (10, 12), (8, 10))
    assert row.memory_mb == (90, 100) and row.ratio == pytest.approx(0.8)
    assert "together 8 / 10 CPU seconds, ratio 0.80" in comparison_text([row])


def test_a_job_that_was_too_short_for_snakemake_to_look_at(run: Run) -> None:
    done(run, "frames/0000", "0.1\t0:00:00\t-\t-\t-\t-\t-\t-\t-\t-\n")
    (row,) = compare(run)
    assert row.seconds[1] == 0.1 and row.memory_mb[1] == 0


def test_without_a_forecast_there_is_nothing_to_compare(make_config: MakeConfig, tmp_path: Path) -> None:
    run = Run(make_config(output=str(tmp_path / "none")))
    assert read_forecast(run) is None and compare(run) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"rules": [{}]}', '{"rules": []}'])
def test_a_damaged_forecast_is_named(run: Run, text: str) -> None:
    run.forecast.write_text(text)
    with pytest.raises(TableError, match=r"plan\.json"):
        compare(run)


def test_a_damaged_benchmark_file_is_named(run: Run) -> None:
    done(run, "frames/0000", "many\tmany\n")
    with pytest.raises(TableError, match=r"0000\.tsv"):
        compare(run)
