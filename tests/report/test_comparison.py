"""Experiments and the ablation on the page."""

import json

from made_run import Run

from camfuse.config import parse_config
from camfuse.files import write_text
from camfuse.report.comparison import ablation_table, experiment_table
from camfuse.run.experiments import Plan
from camfuse.run.layout import Run as RunFiles
from tests.report.page_text import Text, written

EXPERIMENTS = """experiment,changes,row,n,top1,mean_class_accuracy
main,,rgb,6,0.25,0.25
main,,fused,6,0.5,0.375
wide,model.fusion.width=64,rgb,4,0.25,0.25
wide,model.fusion.width=64,fused,4,0.75,0.625
"""


ABLATION = """row,mode,stages,seeds,clips,parameters,top1_mean,top1_std,top1_min,top1_max
rgb,,,2,6,1234,0.25,0.05,0.2,0.3
fused,divided,s3 s4,2,6,12345,0.5,,0.5,0.5
"""


def with_runs(run: Run) -> Run:
    """Give the run an experiment, and an ablation of one seed and one mode."""
    values = run.config.model_dump(mode="json", exclude_none=True)
    values |= {"experiments": {"wide": {"model": {"fusion": {"width": 64}}}}}
    config = parse_config(values | {"ablation": {"modes": ["none"], "seeds": [2]}})
    for name, text in (("experiments/results", EXPERIMENTS), ("ablation/ablation", ABLATION)):
        path = run.folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    known = json.loads((run.folder / "evaluate" / "results.json").read_text(encoding="utf-8"))
    for cell in Plan(config).ablation:
        write_text(cell.results, json.dumps(known | {"fingerprint": cell.fingerprint}))
    return Run(config, run.clips)


def test_experiments_side_by_side(run: Run) -> None:
    results = Text(written(with_runs(run))).sections["results"]
    assert "run changes clips RGB top-1 Fused top-1 Fused class top-1" in results
    assert "main - 6 25.00 50.00 37.50 wide model.fusion.width=64 4 25.00 75.00 62.50" in results


def test_the_ablation_with_its_spread(run: Run) -> None:
    results = Text(written(with_runs(run))).sections["results"]
    assert "Ablation. Test, 6 clips, percent: mean ± standard deviation over seeds" in results
    assert "RGB alone 2 25.0 ± 5.0 (20.0 to 30.0) 1,234 fused, divided at s3, s4 2 50.0 12,345" in results


def test_an_ablation_of_other_settings_is_not_shown(run: Run) -> None:
    changed = with_runs(run)
    (cell,) = Plan(changed.config).ablation
    write_text(cell.results, cell.results.read_text(encoding="utf-8").replace(cell.fingerprint, "0" * 16))
    results = Text(written(changed)).sections["results"]
    assert "Ablation: the table is one of other settings" in results and "1,234" not in results
    (run.folder / "ablation" / "ablation.csv").unlink()
    assert "Ablation: not run yet" in Text(written(changed)).sections["results"]
    assert "Ablation" not in Text(written(run)).sections["results"]  # none in its config


def test_without_experiments_and_ablation_there_is_nothing(run: Run) -> None:
    files = RunFiles(run.config)
    assert experiment_table(files) is None
    assert ablation_table(files) == (None, "")
