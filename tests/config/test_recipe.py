"""What `recipe: auto` comes to: a function of the clips and the machine, beneath what the config says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from camfuse.config import Config, WeightsFile, dump_config, parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import FEW_CLIPS, FEW_VAL, VAL_FOR_WEIGHTS, VIEWS, Counts, recipe_values
from camfuse.errors import ConfigError

LAPTOP, GPU = Computer(cores=4, gpu=False), Computer(cores=16, gpu=True)
SMALL = Computer(cores=2, gpu=False)
FEW, MANY = Counts(train=98, val=14, words=8), Counts(train=14_000, val=3_900, words=2000)
GIVEN: dict[str, Any] = {"recipe": "auto", "clips": {"folder": {"videos": "v"}}, "pose": {"mediapipe": {}}}


def made(counts: Counts, computer: Computer, **given: Any) -> Config:
    return parse_config(recipe_values(counts, computer, GIVEN | given))


def test_few_clips_on_a_laptop_are_read_as_a_sequence_alone() -> None:
    config = made(FEW, LAPTOP)
    assert config.model.parts == ("sequence",)
    phase = config.train.sequence
    assert phase.epochs * phase.repeat == pytest.approx(VIEWS, rel=0.05)
    assert phase.keep == "last"
    assert (config.machine.device, config.machine.threads) == ("cpu", 4)
    assert config.recipe is None


@pytest.mark.parametrize(
    ("train", "least", "most"), [(5, 580, 620), (40, 580, 620), (250, 3600, 4100), (10_000, 14_000, 16_000)]
)
def test_steps_of_the_sequence_stream(train: int, least: int, most: int) -> None:
    phase = made(Counts(train, 100, 10), LAPTOP).train.sequence
    assert least <= train * phase.repeat * phase.epochs / phase.batch <= most
    assert phase.keep is None


def test_many_clips_and_a_gpu_are_looked_at_by_all_streams_of_the_papers_size() -> None:
    config = made(MANY, GPU)
    assert config.model.parts == ("rgb", "pose", "sequence", "fusion")
    assert config.model.rgb and config.model.rgb.channels == 64 and config.crops.size == 256
    assert (config.evaluate.weights, config.machine.device, config.machine.threads) == ("likelihood", "auto", 5)
    assert (config.train.precision, config.machine.workers) == ("auto", 14)
    of = {cores: made(MANY, Computer(cores, gpu=True)).machine.workers for cores in (2, 8, 64)}
    assert of == {2: 1, 8: 6, 64: 14}


def test_in_between_heatmaps_join_the_sequence_at_small_sizes() -> None:
    config = made(Counts(2000, 300, 100), GPU)
    assert config.model.streams == ("pose", "sequence")
    assert config.model.pose and config.model.pose.channels == 24 and config.crops.size == 64
    assert config.model.pose.keypoints and not set(config.model.pose.keypoints) & {11, 22, 23, 90}  # no legs, no face
    assert config.train.precision == "auto"
    assert (made(FEW, LAPTOP).train.precision, made(FEW, LAPTOP).machine.workers) == ("32-true", 0)  # sequence alone
    assert made(FEW, LAPTOP, model={"pose": {}}).train.precision == "auto"


def test_few_clips_and_a_gpu_are_looked_at_by_hands_and_in_their_active_part() -> None:
    """Where the config names heatmaps: by itself the recipe has none, on any machine."""
    assert made(FEW, GPU).model.parts == made(FEW, SMALL).model.parts == ("sequence",)
    config = made(FEW, GPU, model={"pose": {}})
    assert config.model.parts == ("pose", "sequence", "fusion")
    assert (config.heatmaps.hands, config.sampling.part) == ("zoomed", "active")
    assert (config.train.augment.mirror, config.train.augment.mixup) == (0.5, 0.3)
    assert [getattr(config.train, part).keep for part in config.model.parts] == ["last"] * 3
    assert made(MANY, GPU).heatmaps.hands is None and made(MANY, GPU).sampling.part is None
    assert made(FEW, GPU, model={"pose": {}}, heatmaps={"hands": None}).heatmaps.hands is None


def test_a_device_of_the_configs_own_decides_whether_there_is_a_gpu() -> None:
    """Many views of heatmaps are a GPU's minutes and a processor's hours."""
    some = Counts(2000, 300, 100)
    assert made(some, GPU, machine={"device": "cpu"}) == made(some, replace(GPU, gpu=False))
    assert made(some, replace(GPU, gpu=False), machine={"device": "cuda"}).model.streams == ("pose", "sequence")
    assert made(some, GPU, machine={"device": "auto"}) == made(some, GPU)


def start(train: int = FEW_CLIPS, **given: Any) -> object:
    section = made(Counts(train, 0, 10), LAPTOP, **given).model.sequence
    assert section is not None
    return section.weights


def test_next_to_nothing_starts_from_the_shipped_letters() -> None:
    assert start() == "letters" and start(FEW_CLIPS + 1) is None
    assert start(pose={"annotations": {}}) is None  # keypoints of another kind
    assert start(model={"sequence": {"width": 64}}) is None  # they would not fit
    assert start(model={"sequence": {"dropout": 0.2}}) == "letters"
    assert start(experiments={"narrow": {"model": {"sequence": {"width": 64}}}}) is None  # nor there
    assert start(experiments={"again": {"seed": 2}, "none": {"model": {"sequence": None, "pose": {}}}}) == "letters"
    assert start(experiments={"narrow": {"model": {"sequence": {"width": 64, "weights": None}}}}) == "letters"
    assert start(model={"sequence": {"frames": 48}}) == "letters"
    assert start(model={"sequence": {"weights": None}}) is None
    with pytest.raises(ConfigError, match="are of frames 48, width 128, depth 4, kernel 7; found width 64: set"):
        start(model={"sequence": {"weights": "letters", "width": 64}})
    own = start(model={"sequence": {"weights": {"path": "own.ckpt"}}})
    assert isinstance(own, WeightsFile) and own.path == Path("own.ckpt")


@pytest.mark.parametrize(
    "wrong", [{"experiments": {"a": None}}, {"experiments": []}, {"model": {"sequence": "x"}}, {"model": "x"}]
)
def test_what_is_no_section_is_said_as_in_any_config(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        start(**wrong)


def test_letters_test_nobody_whom_they_were_trained_on() -> None:
    demo = {"fingerspelling": {"letters": ["A", "B"], "languages": {"train": ["ase"], "val": [], "test": ["csq"]}}}
    with pytest.raises(ConfigError, match=r"all recordings of clips\.fingerspelling"):
        start(clips=demo, model={"sequence": {"weights": "letters"}})
    assert start(clips=demo) is None  # nor by the recipe


@pytest.mark.parametrize(
    ("weights", "said"),
    [("lettres", "Input should be 'letters'"), ({"pfad": "a.ckpt"}, "pfad"), ({"url": "https://a.org/b"}, "sha256")],
)
def test_first_weights_that_are_none_are_one_problem(weights: object, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        start(model={"sequence": {"weights": weights}})
    assert said in str(error.value) and str(error.value).count("model.sequence.weights") == 1


@pytest.mark.parametrize("train", [98, 2000, 14_000])
def test_with_few_val_clips_every_training_keeps_its_last_epoch(train: int) -> None:
    for val, keep in ((FEW_VAL - 1, "last"), (FEW_VAL, None)):
        config = made(Counts(train, val, 8), GPU)
        assert {getattr(config.train, part).keep for part in config.model.parts} == {keep}


def test_what_the_config_says_wins_down_to_a_single_key() -> None:
    given = {"model": {"pose": {"channels": 8}}, "train": {"sequence": {"epochs": 3}}, "machine": {"device": "auto"}}
    config = made(FEW, LAPTOP, **given)
    assert config.model.streams == ("pose", "sequence")
    assert config.model.pose and (config.model.pose.channels, config.model.pose.depths) == (8, (1, 1, 1))
    assert (config.train.sequence.epochs, config.train.sequence.batch) == (3, 16)
    assert config.machine.device == "auto"
    without = made(MANY, GPU, model={"sequence": None, "rgb": None})
    assert without.model.streams == ("pose",)


def test_weights_are_chosen_where_val_can_tell() -> None:
    of = {val: made(Counts(1500, val, 8), GPU) for val in (VAL_FOR_WEIGHTS - 1, VAL_FOR_WEIGHTS)}
    assert [one.evaluate.weights for one in of.values()] == [{"rgb": 0.1, "sequence": 3.0}, "likelihood"]
    assert [one.training_weights for one in of.values()] == [(1.0, 3.0, 1.0), (1.0, 1.0, 1.0)]  # pose, sequence, joint
    assert [one.train.sequence.keep for one in of.values()] == ["last", "last"]
    assert made(Counts(1500, FEW_VAL, 8), GPU).train.sequence.keep is None
    assert made(Counts(5000, 0, 8), GPU).training_weights == (1.0, 1.0, 3.0, 1.0)  # of many clips images know something


@pytest.mark.parametrize(
    ("train", "computer", "views"),
    [
        (98, SMALL, 192),  # 18,816 clips, repeats counted
        (200, SMALL, 96),  # 20,000 of 200 are 100, in 12 epochs 8 times each
        (900, SMALL, 24),  # never fewer
        (200, Computer(cores=4, gpu=False), 192),
        (900, GPU, 192),
        (2000, GPU, 192),
    ],
)
def test_clips_on_grids_are_seen_as_often_as_there_is_time(train: int, computer: Computer, views: int) -> None:
    config = made(Counts(train, 14, 8), computer, model={"rgb": {}, "pose": {}})
    for phase in (config.train.rgb, config.train.pose):
        assert phase.epochs * phase.repeat == views


def test_an_experiment_without_a_stream_keeps_the_recipes_weights() -> None:
    """The recipe names them, where a list would have one too many."""
    config = made(
        Counts(98, 0, 8), LAPTOP, model={"rgb": {}, "pose": {}}, experiments={"no_rgb": {"model": {"rgb": None}}}
    )
    assert config.training_weights == (0.1, 1.0, 3.0, 1.0)


def test_streams_of_few_clips_are_made_to_listen() -> None:
    dropout = [
        one.model.fusion.stream_dropout
        for one in (made(FEW, LAPTOP, model={"pose": {}}), made(Counts(5000, 50, 8), GPU))
        if one.model.fusion
    ]
    assert dropout == [0.5, 0.0]


def test_the_recipe_is_in_the_resolved_config_in_full() -> None:
    config = made(FEW, LAPTOP)
    written = yaml.safe_load(dump_config(config))
    assert parse_config(written) == config
    assert "recipe" not in written and written["model"]["rgb"] is None
    assert recipe_values(FEW, LAPTOP, GIVEN) == recipe_values(FEW, LAPTOP, GIVEN)
