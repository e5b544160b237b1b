"""Forecasts by hand: jobs that are named, commands that only say how long they took."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_training import TINY

from camfuse.config import parse_config
from camfuse.plan import measure, plan
from camfuse.plan.jobs import DryRun, Job
from camfuse.plan.plan import Wanted, limits, make_forecast, untimed
from camfuse.run.experiments import Plan
from camfuse.run.forecast import Forecast, JobForecast, RuleForecast
from camfuse.run.layout import DATA_STAGES, Run
from tests.plan.stand_in import CLIP, FRAMES, START, STEP, VIEW, StandIn

PARTS = ("rgb", "pose", "fusion")
WHOLE = (
    *(Job(stage, f"{stage}/{shard}", shard) for stage in DATA_STAGES for shard in ("0000", "0001")),
    *(Job(f"train_{part}", f"train_{part}") for part in PARTS),
    Job("evaluate", "evaluate"),
    Job("report", "report"),
    Job("ablation", "ablation"),
)
Make = Callable[..., Forecast]


@pytest.fixture
def forecast(table_only: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Return a function that makes a forecast of jobs."""

    def make(jobs: tuple[Job, ...], fails: tuple[str, ...] = (), **sections: object) -> Forecast:
        run = table_only({"train": 4, "val": 2, "test": 2}, **sections)
        monkeypatch.setattr(plan, "dry_run", lambda *_: DryRun(jobs, 2.0))
        monkeypatch.setattr(plan, "weigh", lambda _, rows: rows["start"] + 1.0)
        monkeypatch.setattr(measure, "timed", StandIn(fails))
        before = sorted(run.output.rglob("*"))
        found = make_forecast(run, Wanted(Path("c.yaml"), 1), lambda _: None)
        assert sorted(run.output.rglob("*")) == before  # the sample is gone, the run's own files are as before
        return found

    return make


def test_a_whole_run(forecast: Make) -> None:
    found = forecast(WHOLE)
    rules = {rule.rule: rule for rule in found.rules}
    assert list(rules) == [*DATA_STAGES, "train_rgb", "train_pose", "train_fusion", "evaluate", "report", "ablation"]
    assert rules["pose"].seconds == pytest.approx(2 * START + 24 * CLIP)
    assert rules["pose"].disk_mb == pytest.approx(0.242)
    rgb = rules["train_rgb"]  # 12 clips x 8, 6 a step; 6 of val; 5 epochs
    assert rgb.epochs == 5 and rgb.epoch_seconds == pytest.approx((96 + 6 / 3) * STEP, abs=0.01)
    assert rgb.seconds == pytest.approx(5 * rgb.epoch_seconds + START, abs=0.1)
    assert found.seconds == pytest.approx(2 + sum(rule.seconds for rule in found.rules))
    assert untimed(found.rules) == ["ablation: not timed"]


def test_where_only_the_test_is_left_its_trainings_are_timed_too(forecast: Make) -> None:
    (rule,) = forecast((Job("evaluate", "evaluate"),)).rules
    assert rule.rule == "evaluate" and rule.seconds == pytest.approx(START + 12 * (FRAMES + 3 * VIEW))


def test_where_nothing_is_left_nothing_is_timed(forecast: Make) -> None:
    found = forecast((), fails=("frames",))
    assert found.rules == () and found.seconds == 2.0


def test_clips_that_cannot_be_made_say_why_for_all_that_needs_them(forecast: Make) -> None:
    notes = {rule.rule: rule.note for rule in forecast(WHOLE, fails=("pose",)).rules}
    assert notes["frames"] == "" and "it is broken" in notes["pose"] and "a stage before" in notes["crops"]
    assert "it is broken" in notes["train_rgb"] and notes["evaluate"] and notes["report"]


def test_finished_clips_cost_nothing(forecast: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "finished_clips", lambda stage, config, output, clips: {one.clip_id for one in clips})
    (rule,) = forecast((Job("pose", "pose/0000", "0000"),)).rules
    assert rule.seconds == pytest.approx(START)


def test_a_sequence_alone_needs_neither_crops_nor_heatmaps(forecast: Make) -> None:
    model = {"rgb": None, "pose": None, "fusion": None, "sequence": {"frames": 8, "width": 8, "depth": 1}}
    jobs = (*WHOLE[:4], Job("train_sequence", "train_sequence"), Job("evaluate", "evaluate"))
    rules = [rule.rule for rule in forecast(jobs, fails=("crops",), model=model).rules]
    assert rules == ["frames", "pose", "train_sequence", "evaluate"]


def test_an_experiment_is_timed_under_its_own_config(forecast: Make) -> None:
    changes = {"model": {"rgb": {"channels": 4}}, "train": {"rgb": {"epochs": 9}}}
    found: list[RuleForecast] = []

    def jobs_of(run: Run) -> tuple[Job, ...]:

        (key,) = [fingerprint for part, fingerprint in Plan(run.config).trainings if part == "rgb"]
        return (Job("experiment_rgb", f"experiment_rgb/{key}", key),)

    values = {"output": "o", "clips": {"folder": {"videos": "nowhere"}, "shards": 2}, **TINY}
    run = Run(parse_config({**values, "experiments": {"small": changes}}))
    found += forecast(jobs_of(run), experiments={"small": changes}).rules
    assert found[0].epochs == 9


def test_what_a_job_would_need_beyond_what_it_asks_for(tmp_path: Path) -> None:
    pose = RuleForecast("pose", (JobForecast("pose/0000", 7200, 7200),), 1, 6000, 60, used_mb=7000, disk_mb=1e12)
    said = list(limits(Forecast(0, 2, "cpu", 1, 1, 1, 1, (pose,)), tmp_path))
    assert len(said) == 3 and "asks for 60" in said[0] and "7,000 MB" in said[1] and said[2].startswith("disk")
    assert "--set-resources pose:runtime=180" in said[0]
