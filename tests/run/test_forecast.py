"""A forecast is read as it was written, and set beside the jobs that are done since."""

import os
from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.errors import TableError
from camfuse.run.forecast import (
    Comparison,
    Forecast,
    JobForecast,
    RuleForecast,
    compare,
    comparison_text,
    read_forecast,
    state_of,
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
    write_forecast(found, Forecast(MADE, 2, "cpu", 30, 8, 2.0, 123.0, (frames, training), state=state_of(found)))
    return found


def done(run: Run, name: str, row: str, at: float = MADE + 5, cpu: float | None = None) -> None:
    path = run.benchmark(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + row)
    os.utime(path, (at, at))
    if cpu is not None:
        run.log(name).parent.mkdir(parents=True, exist_ok=True)
        run.log(name).write_text(f"2026-11-28 12:00:00,000 INFO camfuse.run.jobs: used {cpu:.2f} CPU seconds\n")


def test_what_is_written_is_read(run: Run) -> None:
    found = read_forecast(run)
    assert found is not None and found.rules[0].jobs[1] == JobForecast("frames/0001", 20, 16)
    assert (found.rules[0].seconds, found.rules[0].cpu_seconds, found.rules[1].epochs) == (30, 24, 5)


def test_only_jobs_that_are_done_since_are_compared(run: Run) -> None:
    assert compare(run) == Comparison() and comparison_text(Comparison()) == ""
    # Snakemake's own count, 2 CPU seconds, is not asked
    done(run, "frames/0000", "12.0\t0:00:12\t100.0\t1\t1\t1\t0\t0\t80\t2.0\n", cpu=10)
    done(run, "frames/0001", "9.0\t0:00:09\t120.0\t1\t1\t1\t0\t0\t80\t9.0\n", at=MADE - 5, cpu=9)
    found = compare(run)
    (row,) = found.rows
    assert (row.rule, row.jobs, row.seconds, row.cpu_seconds) == ("frames", 1, (10, 12), (8, 10))
    assert row.memory_mb == (90, 100) and row.ratio == pytest.approx(0.8)
    assert "together 8 / 10 CPU seconds, ratio 0.80" in comparison_text(found)


def test_where_a_log_does_not_say_it_the_cpu_time_is_unknown(run: Run) -> None:
    line = "12.0\t0:00:12\t100.0\t1\t1\t1\t0\t0\t80\t2.0\n"
    done(run, "frames/0000", line, cpu=10)
    done(run, "frames/0001", line)
    found = compare(run)
    (row,) = found.rows
    assert (row.seconds, row.cpu_seconds, row.ratio) == ((30, 24), (24, None), None)
    assert "24 / -" in comparison_text(found) and "together" not in comparison_text(found)


@pytest.mark.parametrize("changed", ["clips", "settings"])
def test_once_clips_or_settings_have_changed_old_and_new_are_not_mixed(run: Run, changed: str) -> None:
    done(run, "frames/0000", "12.0\t0:00:12\t100.0\t1\t1\t1\t0\t0\t80\t2.0\n", cpu=10)
    if changed == "clips":
        run.clip_files.clips.parent.mkdir(parents=True)
        run.clip_files.clips.write_text("clip_id,label\nnew,yes\n")
    else:
        run = Run(run.config.model_copy(update={"seed": 2}))
    found = compare(run)
    assert found.rows == () and "made for 30 clips, is not compared" in comparison_text(found)


def test_a_job_that_was_too_short_for_snakemake_to_look_at(run: Run) -> None:
    done(run, "frames/0000", "0.1\t0:00:00\t-\t-\t-\t-\t-\t-\t-\t-\n")
    (row,) = compare(run).rows
    assert row.seconds[1] == 0.1 and row.memory_mb[1] == 0


def test_without_a_forecast_there_is_nothing_to_compare(make_config: MakeConfig, tmp_path: Path) -> None:
    run = Run(make_config(output=str(tmp_path / "none")))
    assert read_forecast(run) is None and compare(run) == Comparison()


@pytest.mark.parametrize("text", ["{", "[]", '{"rules": [{}]}', '{"rules": []}'])
def test_a_damaged_forecast_is_named(run: Run, text: str) -> None:
    run.forecast.write_text(text)
    with pytest.raises(TableError, match=r"plan\.json"):
        compare(run)


def test_a_damaged_benchmark_file_is_named(run: Run) -> None:
    done(run, "frames/0000", "many\tmany\n")
    with pytest.raises(TableError, match=r"0000\.tsv"):
        compare(run)
