import pandas as pd
import pytest
from made_results import made_results, made_score
from made_training import MakeConfig

from camfuse.config import Config, Part
from camfuse.errors import ConfigError, TableError
from camfuse.evaluate.comparison import compare_experiments, describe, markdown, spread, summarise_ablation
from camfuse.evaluate.results import CheckpointFacts, write_results
from camfuse.run.experiments import Experiment, Plan

ROWS = ("rgb", "pose", "fused", "late")


def write_made(run: Experiment, shift: float = 0.0) -> None:
    """Top-1 of rgb 0.1, pose 0.2, fused 0.3, late 0.4, all moved by `shift`."""
    rows = {name: made_score(0.1 * number + shift) for number, name in enumerate(ROWS, 1)}
    parameters: dict[Part, int] = {"rgb": 100, "pose": 10, "fusion": 115}
    checkpoints = {part: CheckpointFacts(3, "0" * 16, count) for part, count in parameters.items()}
    write_results(made_results(rows, checkpoints=checkpoints, fingerprint=run.fingerprint), run.files)


@pytest.fixture
def ablated(make_config: MakeConfig) -> Config:
    """Seeds 1, 2, 3 with 0.0, 0.1, 0.5 more; mode divided 0.01 more than none."""
    config: Config = make_config(ablation={"modes": ["none", "divided"], "seeds": [1, 2, 3]})
    for run in Plan(config).ablation:
        more = {1: 0.0, 2: 0.1, 3: 0.5}[run.config.seed]
        write_made(run, more + (0.01 if run.config.model.fusion.mode == "divided" else 0.0))
    return config


def test_the_ablation_has_mean_and_spread_over_seeds(ablated: Config) -> None:
    output = ablated.output / "ablation" / "ablation.csv"
    summarise_ablation(ablated, output)
    table = pd.read_csv(output, keep_default_na=False)
    assert list(table["row"]) == ["rgb", "pose", "late", "fused", "fused"]
    assert list(table["mode"]) == ["", "", "", "none", "divided"]
    assert list(table["stages"]) == ["", "", "", "", "s3 s4"]
    assert list(table["seeds"]) == [3] * 5
    assert list(table["parameters"]) == [100, 10, 110, 115, 115]
    none = table.iloc[3]
    # 0.3, 0.4, 0.8: mean 0.5, squares of the differences 0.04 + 0.01 + 0.09 = 0.14, / 2 = 0.07
    found = [none[f"top1_{name}"] for name in ("mean", "std", "min", "max")]
    assert found == pytest.approx([0.5, 0.07**0.5, 0.3, 0.8], abs=1e-6)
    assert table.iloc[4]["top1_mean"] == pytest.approx(0.51)
    assert none["mean_class_accuracy_std"] == 0
    runs = pd.read_csv(output.with_name("runs.csv"), keep_default_na=False)
    assert len(runs) == 3 * 5
    assert list(runs[runs["row"] == "rgb"]["top1"]) == pytest.approx([0.1, 0.2, 0.6])


def test_the_text_shows_percent_and_range(ablated: Config) -> None:
    output = ablated.output / "ablation" / "ablation.csv"
    summarise_ablation(ablated, output)
    text = output.with_suffix(".md").read_text()
    assert "20 clips" in text
    assert "| fused, divided at s3, s4 | 3 " in text
    assert "| fused, none " in text
    assert "50.0 ± 26.5 (30.0 to 80.0)" in text


def test_one_seed_has_no_deviation(make_config: MakeConfig) -> None:
    config = make_config(ablation={"modes": ["none"], "seeds": [7], "streams": ["rgb", "fused"]})
    for run in Plan(config).ablation:
        write_made(run)
    output = config.output / "ablation.csv"
    table = summarise_ablation(config, output)
    assert list(table["row"]) == ["rgb", "fused"]
    assert pd.read_csv(output)["top1_std"].isna().all()
    assert "±" not in markdown(table).splitlines()[-1]


def test_the_order_of_the_rows_is_the_tables_not_the_runs() -> None:
    runs = [
        {"row": row, "mode": "", "stages": "", "seed": 1, "clips": 1, "parameters": 1, "top1": 0.5}
        for row in ("fused", "late", "rgb")
    ]
    assert list(spread(pd.DataFrame(runs))["row"]) == ["rgb", "late", "fused"]


def test_experiments_stand_side_by_side(make_config: MakeConfig) -> None:
    config = make_config(experiments={"b": {"seed": 2}, "a": {"model": {"fusion": {"mode": "none"}}}})
    plan = Plan(config)
    write_made(plan.main)
    for run in plan.experiments:
        write_made(run, 0.1)
    output = config.output / "experiments" / "results.csv"
    compare_experiments(config, output)
    table = pd.read_csv(output, keep_default_na=False)
    assert list(table["experiment"]) == ["main"] * 4 + ["b"] * 4 + ["a"] * 4
    assert list(table["changes"].unique()) == ["", "seed=2", "model.fusion.mode=none"]
    fused = table[table["row"] == "fused"].set_index("experiment")
    assert list(fused["top1"]) == pytest.approx([0.3, 0.4, 0.4])
    assert fused.loc["a", "rgb_folder"] == "train/rgb"
    assert fused.loc["a", "results_folder"] == "experiments/a/evaluate"


def test_missing_and_stale_results_are_named(make_config: MakeConfig) -> None:
    config = make_config(experiments={"other": {"seed": 2}})
    plan = Plan(config)
    write_made(plan.main)
    with pytest.raises(TableError, match="expected the results of other, found no file"):
        compare_experiments(config, config.output / "x.csv")
    write_made(plan.experiments[0])
    stale = make_config(experiments={"other": {"seed": 3}})
    with pytest.raises(TableError, match="evaluate other again"):
        compare_experiments(stale, config.output / "x.csv")
    plan.experiments[0].results.write_text("{}")
    with pytest.raises(TableError, match="found otherwise"):
        compare_experiments(config, config.output / "x.csv")


def test_no_matrix_is_said(make_config: MakeConfig) -> None:
    config = make_config()
    with pytest.raises(ConfigError, match="expected a matrix"):
        summarise_ablation(config, config.output / "x.csv")


def test_changes_are_written_as_on_the_command_line() -> None:
    changes = {"seed": 2, "model": {"fusion": {"mode": "none", "stages": ["s3", "s4"]}}, "train": {"tf32": True}}
    assert describe(changes) == 'seed=2 model.fusion.mode=none model.fusion.stages=["s3", "s4"] train.tf32=true'
