"""What is made of the commands' times: by hand, with commands that only say how long they took."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from camfuse.config import parse_config
from camfuse.plan import measure
from camfuse.plan.measure import Bench, TrainingCost
from camfuse.plan.sample import Sample
from camfuse.run.layout import DATA_STAGES, Run
from tests.plan.stand_in import CLIP, FRAMES, START, STEP, VIEW, StandIn


@pytest.fixture
def bench(table_only: Callable[..., Run], tmp_path: Path) -> Bench:
    """A sample of eight clips that weigh two each."""
    run = table_only({"train": 4, "val": 2, "test": 2})
    (tmp_path / "sample").mkdir()
    return Bench(Sample(tmp_path / "sample", run, run.clips().head(8).assign(weight=2.0)), lambda _: None)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Commands that are acted out."""
    found = StandIn()
    monkeypatch.setattr(measure, "timed", found)
    return found


def test_a_stage_has_a_start_and_a_cost_by_weight(bench: Bench, stand_in: StandIn) -> None:
    costs = bench.data(DATA_STAGES)
    assert list(costs) == list(DATA_STAGES)
    pose = costs["pose"]
    assert (pose.start, pose.each) == pytest.approx((START, CLIP / 2))
    assert pose.disk_each_mb == pytest.approx(0.005) and pose.memory_mb == 100 and not pose.note
    crops = next(words for words in stand_in.called if words[0] == "crops")
    assert {"--frames", "--pose", "--clips", "--output"} <= set(crops)


def test_a_stage_that_fails_ends_the_timing_with_its_reason(bench: Bench, stand_in: StandIn) -> None:
    stand_in.fails = ("pose",)
    costs = bench.data(DATA_STAGES)
    assert list(costs) == ["frames", "pose"] and costs["pose"].note == "failed on the sample: ERROR: it is broken"


def test_a_training_is_timed_once_for_all_that_step_alike(bench: Bench, stand_in: StandIn) -> None:
    bench.sample.write_tables()
    config = bench.sample.run.config
    cost = bench.training("rgb", config, compiled=False)
    assert cost.clip == pytest.approx(STEP) and cost.start == pytest.approx(START, abs=0.05)
    assert cost.disk_mb == 2 and cost.epoch(100, 30) == pytest.approx(1.1 + cost.saving)
    other = config.model_copy(update={"seed": 7})
    assert bench.training("rgb", other, compiled=False) is cost and len(stand_in.called) == 1
    small = parse_config(config.model_dump(mode="json") | {"model": {"rgb": {"channels": 4}}})
    bench.training("rgb", small, compiled=False)
    assert len(stand_in.called) == 2


def test_commands_get_the_threads_that_their_jobs_ask_for(bench: Bench) -> None:
    machine = {"threads": 5}
    config = parse_config(bench.sample.run.config.model_dump(mode="json") | {"machine": machine})
    assert [bench._threads(rule, config) for rule in ("train_rgb", "train_fusion", "evaluate")] == [5, 5, 5]
    bench.cpus = {"train_rgb": 1, "evaluate": 2}
    assert [bench._threads(rule, config) for rule in ("train_rgb", "train_fusion", "evaluate")] == [1, 5, 2]


def test_a_training_that_fails_says_why(bench: Bench, stand_in: StandIn) -> None:
    stand_in.fails = ("train-part",)
    bench.sample.write_tables()
    assert "it is broken" in bench.training("rgb", bench.sample.run.config, compiled=False).note


def test_a_test_costs_by_clip(bench: Bench, stand_in: StandIn) -> None:
    bench.sample.write_tables()
    config = bench.sample.run.config
    cost = bench.evaluation(config, 0.1)
    assert (cost.start, cost.each) == pytest.approx((START, FRAMES + VIEW * config.evaluate.samplings))
    assert bench.report().start == pytest.approx(START + 5)
    stand_in.fails = ("evaluate", "report")
    assert "broken" in bench.evaluation(config, 0.1).note and "broken" in bench.report().note


def test_what_took_too_long_says_so() -> None:
    assert measure._why(measure.Timing(300.0, 1, 1, None)) == "took longer than 300 s on the sample"
    assert TrainingCost().epoch(10, 10) == 0


def test_the_log_of_a_training_is_understood() -> None:
    line = (
        "2026-11-27 11:30:01,250 INFO camfuse.train.module: rgb epoch 3/4: train loss 2.08 top-1 0.11, val loss 2.1 "
        "top-1 0.1, gradient norm 3.8, 1.25e+03 clips/s, 3% of the time waiting for clips"
    )
    assert measure._EPOCH.findall(line) == [("2026-11-27 11:30:01,250", "1.25e+03")]
