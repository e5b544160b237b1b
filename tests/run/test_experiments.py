from typing import Any

import pytest
import yaml
from made_training import MakeConfig

from camfuse.config import Config, dump_config, parse_config
from camfuse.errors import ConfigError
from camfuse.run.experiments import Plan
from camfuse.run.stages import STAGES, fingerprint

PLAIN = {"model": {"fusion": {"mode": "none"}}}


def folders(config: Config, kind: str = "experiments") -> dict[str, dict[str, str]]:
    """Return where each run's trainings lie, relative to the output."""
    runs = Plan(config).experiments if kind == "experiments" else Plan(config).ablation
    of = {run.name: run.trainings for run in runs}
    return {
        name: {part: str(one.folder.relative_to(config.output)) for part, one in trainings.items()}
        for name, trainings in of.items()
    }


def test_an_experiment_changes_what_it_names_and_nothing_else(make_config: MakeConfig) -> None:
    config = make_config(seed=4, experiments={"plain": PLAIN, "other": {"seed": 9}})
    plain, other = Plan(config).experiments
    assert (plain.config.seed, plain.config.model.fusion.mode) == (4, "none")
    assert plain.config.model.fusion.width == config.model.fusion.width
    assert other.config.seed == 9
    data = {"avatars", "frames", "pose", "crops", "heatmaps"}
    for run in (plain, other):
        same = {name for name in STAGES if fingerprint(name, run.config) == fingerprint(name, config)}
        assert same >= data
        assert not same & {"train_fusion", "evaluate"}


def test_the_same_training_is_the_main_runs_or_shared(make_config: MakeConfig) -> None:
    changes = {
        "plain": PLAIN,
        "plain_once": {**PLAIN, "evaluate": {"samplings": 1}},
        "once": {"evaluate": {"samplings": 1}},
        "again": {"seed": 2},
        "again_plain": {"seed": 2, **PLAIN},
    }
    where = folders(make_config(experiments=changes))
    main = {"rgb": "train/rgb", "pose": "train/pose"}
    assert where["once"] == {**main, "fusion": "train/fusion"}
    assert where["plain"] == where["plain_once"] == {**main, "fusion": where["plain"]["fusion"]}
    assert where["plain"]["fusion"].startswith("experiments/train/fusion/")
    for part in ("rgb", "pose"):
        assert where["again"][part] == where["again_plain"][part] != main[part]
    assert len({where[name]["fusion"] for name in ("once", "plain", "again", "again_plain")}) == 4


def test_each_training_says_what_it_reads(make_config: MakeConfig) -> None:
    plan = Plan(make_config(experiments={"again": {"seed": 2}}))
    reads = {"rgb": ("crops",), "pose": ("heatmaps",), "fusion": ("crops", "heatmaps")}
    assert [one.inputs for one in plan.all_trainings] == [reads[one.part] for one in plan.all_trainings]
    assert [one.part for one in plan.all_trainings] == ["rgb", "pose", "fusion"] * 2
    assert plan.data_stages == ("frames", "pose", "crops", "heatmaps")
    assert Plan(make_config(model={"pose": None})).data_stages == ("frames", "pose", "crops")


def test_names_and_order_and_removal_move_no_training(make_config: MakeConfig) -> None:
    some = {"a": {"seed": 2}, "b": {"seed": 2, **PLAIN}, "c": {"seed": 3}}
    before = folders(make_config(experiments=some))
    assert folders(make_config(experiments={"x": some["b"]})) == {"x": before["b"]}
    assert folders(make_config(experiments=dict(reversed(some.items())))) == before


def test_a_run_that_is_the_main_run_shares_its_results(make_config: MakeConfig) -> None:
    config = make_config(seed=2, experiments={"same": {"seed": 2}, "other": {"seed": 3}})
    same, other = Plan(config).experiments
    assert same.results == config.output / "evaluate" / "results.json"
    assert other.results == config.output / "experiments" / "other" / "evaluate" / "results.json"
    assert {part for part, _ in Plan(config).trainings} == {"rgb", "pose", "fusion"}
    assert len(Plan(config).trainings) == 3


def test_the_matrix_has_a_run_per_seed_mode_and_stages(make_config: MakeConfig) -> None:
    matrix = {"modes": ["none", "divided"], "stages": [["s4"], ["s3", "s4"]], "seeds": [1, 2]}
    config = make_config(ablation=matrix)
    names = [run.name for run in Plan(config).ablation]
    each = ["none", "divided-s4", "divided-s3+s4"]  # none has no places
    assert names == [f"{name}-seed{seed}" for seed in (1, 2) for name in each]
    parts = [part for part, _ in Plan(config).trainings]
    # the main run is divided at s3 and s4 with seed 1; seed 2 needs its streams once and three fusions
    assert [parts.count(part) for part in ("rgb", "pose", "fusion")] == [1, 1, 5]
    assert Plan(config).ablation[2].results == config.output / "evaluate" / "results.json"


@pytest.mark.parametrize(
    ("streams", "parts"),
    [(["rgb", "pose"], {"rgb", "pose"}), (["pose"], {"pose"}), (["late"], {"rgb", "pose"})],
)
def test_a_matrix_of_streams_trains_what_its_rows_need(
    make_config: MakeConfig, streams: list[str], parts: set[str]
) -> None:
    config = make_config(ablation={"streams": streams, "seeds": [5]})
    assert [run.name for run in Plan(config).ablation] == ["streams-seed5"]
    assert {part for part, _ in Plan(config).trainings} == parts


def test_no_matrix_is_no_run(make_config: MakeConfig) -> None:
    assert Plan(make_config()).ablation == ()


def test_what_an_experiment_may_not_change_is_named(make_config: MakeConfig) -> None:
    wrong = {
        "small": {"crops": {"size": 64}, "machine": {"threads": 1}},
        "typo": {"model": {"fusion": {"mdoe": "none"}}},
        "misspelt": {"modle": {}},
    }
    with pytest.raises(ConfigError) as caught:
        make_config(experiments={name: wrong[name] for name in ("small", "misspelt")})
    assert "experiments.small: an experiment may change seed, sampling, model, train, evaluate" in str(caught.value)
    assert "`crops`, `machine` it shares with the main run" in str(caught.value)
    assert "experiments.misspelt.modle: unknown key" in str(caught.value)
    with pytest.raises(ConfigError, match=r"experiments\.typo\.model\.fusion\.mdoe: unknown key"):
        make_config(experiments={"typo": wrong["typo"]})


@pytest.mark.parametrize("name", ["main", "train", "a/b", "../up", "", ".hidden"])
def test_a_name_that_is_no_folder_is_refused(make_config: MakeConfig, name: str) -> None:
    with pytest.raises(ConfigError, match="an experiment's name is a folder"):
        make_config(experiments={name: {"seed": 2}})


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        ({"seeds": [1, 1]}, "each value once"),
        ({"seeds": []}, "at least 1 item"),
        ({"streams": []}, "at least one of `streams`"),
        ({"modes": []}, "for `fused` one of `modes`"),
        ({"modes": ["sideways"]}, "sideways"),
    ],
)
def test_a_matrix_that_makes_no_sense_is_refused(make_config: MakeConfig, matrix: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_config(ablation=matrix)


def test_the_resolved_config_means_the_same_experiments(make_config: MakeConfig) -> None:
    config = make_config(experiments={"plain": PLAIN, "nothing": {"train": {"augment": {"mirror": 0.5}}}}, ablation={})
    again = parse_config(yaml.safe_load(dump_config(config)))
    assert again == parse_config(config.model_dump(mode="json")) == config  # the second is how a checkpoint keeps it
    assert [run.fingerprint for run in Plan(again).experiments] == [run.fingerprint for run in Plan(config).experiments]


def test_a_null_is_a_change_and_survives_the_resolved_config(make_config: MakeConfig) -> None:
    body = {"pose": {"keypoints": [0, 1, 2]}}
    config = make_config(model=body, experiments={"all": {"model": {"pose": {"keypoints": None}}}})
    for one in (config, parse_config(yaml.safe_load(dump_config(config)))):
        assert one.model.pose.keypoints == (0, 1, 2)
        assert Plan(one).experiments[0].config.model.pose.keypoints is None
