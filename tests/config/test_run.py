"""The whole config: test, report, machine, experiments, ablation."""

from pathlib import Path
from typing import Any

import pytest
from made_training import MakeConfig
from pydantic import ValidationError

from camfuse.config import Ablation, Evaluate, Machine, Overrides, Report, load_config
from camfuse.errors import ConfigError


@pytest.mark.parametrize("name", ["wlasl", "autsl"])
def test_the_data_sets_configs_are_the_papers_size(name: str) -> None:
    config = load_config(Path(__file__).parents[2] / "config" / f"{name}.yaml")
    assert config.crops.size == 256
    assert (config.sampling.rgb_frames, config.sampling.pose_frames) == (8, 32)
    assert config.model.rgb.depths == (3, 4, 6, 3)
    assert config.model.rgb.channels == 64


@pytest.mark.parametrize(
    ("weights", "while_training"),
    [
        ([1, 1, 0], (1.0, 1.0, 0.0)),
        ([0, 0.5, 2], (0.0, 0.5, 2.0)),
        ("tuned", (1.0, 1.0, 1.0)),
        ({"pose": 2}, (1.0, 2.0, 1.0)),
    ],
)
def test_weights_of_the_test(make_config: MakeConfig, weights: object, while_training: tuple[float, ...]) -> None:
    assert make_config(evaluate={"weights": weights}).training_weights == while_training


@pytest.mark.parametrize(
    ("model", "heads"),
    [
        ({"sequence": {}}, 4),
        ({"rgb": None, "sequence": {}}, 3),
        ({"rgb": None, "pose": None, "sequence": {}}, 2),
    ],
)
def test_the_default_weights_every_head_the_same(make_config: MakeConfig, model: dict[str, Any], heads: int) -> None:
    assert make_config(model=model).training_weights == (1.0,) * heads
    with pytest.raises(ConfigError, match=rf"expected {heads} numbers \(.*sequence, joint\), found 5"):
        make_config(model=model, evaluate={"weights": [1, 1, 1, 1, 0]})


def test_a_weight_by_name_of_a_stream_that_is_left_out_counts_nowhere(make_config: MakeConfig) -> None:
    assert make_config(evaluate={"weights": {"sequence": 3, "joint": 0}}).training_weights == (1.0, 1.0, 0.0)


def test_weights_that_leave_no_head_are_refused_before_anything_is_trained(make_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match="expected at least one number above 0, found only 0"):
        make_config(evaluate={"weights": [0, 0, 0]})


@pytest.mark.parametrize(
    "values",
    [{"weights": [1]}, {"weights": [1, -1, 1]}, {"weights": "tuning"}, {"weights": {"hands": 2}}, {"samplings": 0}],
)
def test_no_test(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Evaluate.model_validate(values)


def test_a_report_without_examples() -> None:
    assert Report(examples=0).examples == 0
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Report(examples=-1)


@pytest.mark.parametrize("name", ["devices", "nodes", "threads", "pose_batch", "evaluate_batch"])
def test_a_machine_has_at_least_one_of_each(name: str) -> None:
    assert Machine.model_validate({name: 1})
    with pytest.raises(ValidationError, match="greater than 0"):
        Machine.model_validate({name: 0})


def test_a_machine_may_save_no_steps_and_load_in_the_training_process() -> None:
    machine = Machine(save_steps=0, workers=0)
    assert (machine.save_steps, machine.workers) == (0, 0)
    with pytest.raises(ValidationError):
        Machine.model_validate({"device": "tpu"})


def test_overrides_are_what_was_given_and_a_null_is_a_change_too() -> None:
    assert Overrides.model_validate({}).given() == {}
    values = {"seed": 3, "model": {"pose": {"keypoints": None}}, "train": None}
    assert Overrides.model_validate(values).given() == values


@pytest.mark.parametrize("key", ["clips", "crops", "output", "machine", "experiments"])
def test_an_experiment_cannot_change_what_it_shares(key: str) -> None:
    with pytest.raises(
        ValidationError, match=rf"an experiment may change seed, .*; `{key}` it shares with the main run"
    ):
        Overrides.model_validate({key: {}})


def test_an_experiments_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Overrides.model_validate({"tarin": {}})


@pytest.mark.parametrize("name", ["a", "no_fusion", "2nd", "v1.2-b"])
def test_names_of_experiments(make_config: MakeConfig, name: str) -> None:
    assert set(make_config(experiments={name: {"seed": 2}}).experiments) == {name}


@pytest.mark.parametrize("name", ["main", "train", "", ".hidden", "-x", "a/b", "a b", "a\n", "é"])
def test_names_that_are_no_folder_or_taken(make_config: MakeConfig, name: str) -> None:
    with pytest.raises(ConfigError, match=r"experiments: an experiment's name is a folder: .* none of main, train"):
        make_config(experiments={name: {"seed": 2}})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"seeds": [0]},
        {"streams": ["rgb", "late"], "modes": []},
        {"stages": [["s2"], ["s2", "s3"]]},
    ],
)
def test_ablations(values: dict[str, Any]) -> None:
    assert Ablation.model_validate(values)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"seeds": []}, "seeds"),
        ({"seeds": [1, 2, 1]}, r"seeds: expected each value once, found \[1, 2, 1\]"),
        ({"modes": ["none", "none"]}, "modes: expected each value once"),
        ({"stages": [["s2"], ["s2"]]}, "stages: expected each value once"),
        ({"streams": []}, "expected at least one of `streams`"),
        ({"modes": []}, "for `fused` one of `modes`"),
        ({"streams": ["main"]}, "streams"),
    ],
)
def test_ablations_that_make_no_table(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Ablation.model_validate(values)


def test_the_outputs_path_is_one_that_snakemake_can_hold(make_config: MakeConfig) -> None:
    assert make_config(output="out put/é'(1)").output == Path("out put/é'(1)")
    for wrong in ("a{b}", "a\nb"):
        with pytest.raises(ConfigError, match="output: Snakemake takes braces for wildcards"):
            make_config(output=wrong)


def test_clips_and_pose_are_required(make_config: MakeConfig) -> None:
    assert make_config().seed == 1
    with pytest.raises(ConfigError, match=r"clips: .*\n.*pose: "):
        make_config(clips=None, pose=None)
