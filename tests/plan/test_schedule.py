"""Schedules by hand."""

import pytest

from camfuse.plan.jobs import Job
from camfuse.plan.schedule import Load, schedule


def jobs(*names: str, **keys: int) -> list[Job]:
    return [Job(name, name, **keys) for name in names]


def test_jobs_run_side_by_side_as_far_as_there_are_cores() -> None:
    loads = {name: Load(10, 10) for name in "abc"}
    assert schedule(jobs(*"abc"), loads, 1).seconds == pytest.approx(30)
    assert schedule(jobs(*"abc"), loads, 2).seconds == pytest.approx(20)
    assert schedule(jobs(*"abc"), loads, 8).seconds == pytest.approx(10)
    assert schedule(jobs(*"abc", cpus=2), loads, 3).seconds == pytest.approx(30)
    assert schedule(jobs("a", cpus=16), loads, 2).seconds == pytest.approx(10)  # as Snakemake cuts it down


def test_a_job_waits_for_what_it_needs() -> None:
    chain = [Job("b", "b", needs=("a", "made before")), Job("a", "a")]
    assert schedule(chain, {"a": Load(3, 3), "b": Load(4, 4)}, 8).seconds == pytest.approx(7)


def test_one_gpu_takes_one_training_at_a_time() -> None:
    loads = {name: Load(10, 1) for name in "ab"}
    assert schedule(jobs(*"ab", gpus=1), loads, 8, gpus=1).seconds == pytest.approx(20)
    assert schedule(jobs(*"ab", gpus=1), loads, 8, gpus=2).seconds == pytest.approx(10)


def test_jobs_that_keep_more_cores_busy_than_they_ask_for_slow_each_other() -> None:
    found = schedule(jobs(*"ab"), {"a": Load(10, 20), "b": Load(10, 20)}, 2)
    assert found.seconds == pytest.approx(20) and found.jobs == pytest.approx({"a": 20, "b": 20})


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="can begin"):
        schedule([Job("a", "a", needs=("b",)), Job("b", "b", needs=("a",))], {"a": Load(1, 1), "b": Load(1, 1)}, 2)


def test_nothing_takes_no_time() -> None:
    assert schedule([], {}, 2).seconds == 0 and Load(0, 0).cores == 0
