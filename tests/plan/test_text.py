"""The forecast as people read it."""

import pytest

from camfuse.plan.text import duration, forecast_text, size
from camfuse.run.forecast import Forecast, JobForecast, RuleForecast


def test_the_table_by_hand() -> None:
    pose = RuleForecast("pose", (JobForecast("pose/0000", 60, 90), JobForecast("pose/0001", 30, 45)), 1, 6000, 720)
    training = RuleForecast("train_rgb", (JobForecast("train_rgb", 0, 0),), 4, 16000, 2880, 1, note="not timed")
    text = "\n".join(forecast_text(Forecast(0, 2, "cpu", 1000, 8, 3.0, 103.0, (pose, training))))
    lines = text.splitlines()
    assert lines[0] == "1,000 clips, 8 of them timed; 2 cores; trainings on cpu"
    assert lines[3].split()[:8] == ["pose", "2", "60", "s", "90", "s", "2", "min"]
    assert lines[3].endswith("1 cpus, 6,000 MB, 720 min") and lines[4].endswith("4 cpus, 16,000 MB, 2880 min, 1 GPU")
    assert lines[4].split()[:5] == ["train_rgb", "1", "?", "?", "?"]
    assert lines[-1] == "In all 2 min, 3.0 s of it for the start, and 0.0 MB of disk"


def test_nothing_is_left() -> None:
    assert list(forecast_text(Forecast(0, 2, "cpu", 1, 1, 1, 1, ()))) == ["Nothing is left to do."]


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.23, "1.2 s"), (61, "61 s"), (600, "10 min"), (7200, "2.0 h"), (864_000, "10.0 days")]
)
def test_times(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("megabytes", "text"), [(1.2, "1.2 MB"), (999, "999 MB"), (2500, "2.5 GB"), (2e6, "2.0 TB")])
def test_sizes(megabytes: float, text: str) -> None:
    assert size(megabytes) == text
