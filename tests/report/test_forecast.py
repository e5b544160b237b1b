"""The page says how true the forecast was, and says nothing where there was none."""

import os
from pathlib import Path

from made_training import MakeConfig

from camfuse.report.forecast import forecast_table
from camfuse.run.forecast import Forecast, JobForecast, RuleForecast, state_of, write_forecast
from camfuse.run.layout import Run

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def test_forecast_and_truth(make_config: MakeConfig) -> None:
    run = Run(make_config())
    assert forecast_table(run) is None
    rules = tuple(RuleForecast(name, (JobForecast(name, 30, 20),), used_mb=90) for name in ("evaluate", "report"))
    write_forecast(run, Forecast(1000.0, 2, "cpu", 30, 8, 2.0, 123.0, rules, state=state_of(run)))
    for name in ("evaluate", "report"):
        path: Path = run.benchmark(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + "40.0\t0:00:40\t-\t1\t1\t1\t0\t0\t80\t5.0\n")
        os.utime(path, (2000, 2000))
    run.log("evaluate").parent.mkdir(parents=True)
    run.log("evaluate").write_text("used 25.00 CPU seconds\n")
    table = forecast_table(run)
    assert table is not None
    assert table.rows == [("evaluate", "1", "30.0 s", "40.0 s", "20.0 s", "25.0 s", "0.80", "90", "-")]
    run.log("evaluate").unlink()
    table = forecast_table(run)
    assert table is not None and table.rows[0][5:7] == ("-", "-")
    assert forecast_table(Run(run.config.model_copy(update={"seed": 2}))) is None
