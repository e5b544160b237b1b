"""A forecast of the small run, and what the run then says of it."""

import re
import subprocess
from pathlib import Path

import pytest
from small_run import Workflow

from camfuse.config import load_config
from camfuse.run.forecast import compare
from camfuse.run.layout import Run

ROOT = Path(__file__).parents[2]


def plan(workflow: Workflow, *options: str) -> str:
    command = [workflow.python, "-m", "camfuse", "plan", "config.yaml", *options]
    env = workflow.environment
    done = subprocess.run(command, cwd=workflow.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_a_job_has_its_log_and_its_benchmark_file_under_one_name() -> None:
    text = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    logs, benchmarks = (re.findall(rf'^ +{kind}_of\("(.+)"\)', text, re.MULTILINE) for kind in ("log", "benchmark"))
    assert logs == benchmarks and "experiment_evaluate/{kind}-{name}" in logs


@pytest.mark.torture
def test_a_run_says_how_true_its_forecast_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("plan")
    workflow = Workflow(folder)
    workflow.command()  # writes the config
    said = plan(workflow, "--cores", "2", "--sample", "6")
    assert "15 clips, 6 of them timed" in said and "train_fusion" in said
    run = Run(load_config(folder / "config.yaml").model_copy(update={"output": folder / "results"}))
    assert not list((folder / "results").glob(".plan*")) and not (folder / "results" / "frames").exists()
    out = workflow.run()
    rows = {row.rule: row for row in compare(run).rows}
    assert rows["frames"].jobs == 2 and {"avatars", "pose", "train_rgb", "evaluate", "report"} <= rows.keys()
    assert all(row.ratio is not None for row in rows.values())  # every job's log says what it used
    forecast, truth = (sum(row.cpu_seconds[side] or 0.0 for row in rows.values()) for side in (0, 1))
    assert 0.5 < forecast / truth < 2
    assert re.search(r"^together .* CPU seconds, ratio", out, re.MULTILINE)
    assert "Forecast and truth" in run.report.read_text(encoding="utf-8")
    assert "Nothing is left to do." in plan(workflow)
