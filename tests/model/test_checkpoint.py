"""A recogniser in one file: written, read, refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from camfuse.config import Config, parse_config
from camfuse.errors import WeightsError
from camfuse.model.checkpoint import Checkpoint, check_trained, load_trained, trained_weights
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.run.stages import fingerprint

CLASSES = ("book", "null", "drink")


def settings(**sections: Any) -> Config:
    small = {"rgb": {"depths": [1, 1, 1, 1], "channels": 2}, "pose": {"depths": [1, 1, 1], "channels": 2}}
    values = {"clips": {"folder": {"videos": "."}}, "pose": {"mediapipe": {}}, "model": small}
    return parse_config(values | sections)


def pose_stream(seed: int) -> Recogniser:
    torch.manual_seed(seed)
    return build_recogniser(settings().model, num_classes=3, part="pose")


def made(config: Config, seed: int = 0) -> Checkpoint:
    return Checkpoint(
        part="pose",
        fingerprint=fingerprint("train_pose", config),
        config=config.model_dump(mode="json"),
        classes=CLASSES,
        epoch=3,
        numbers={"val": {"pose": {"loss": 0.5, "top1": 0.75}}},
        parameters=7,
        state=pose_stream(seed).state_dict(),
        versions={"torch": "2"},
    )


def save_state(path: Path, config: Config, *names: str) -> None:
    """Save what a training keeps between its epochs: the weights of `names`, each of a seed of its own."""
    weights = {f"{name}.{k}": v for seed, name in enumerate(names) for k, v in pose_stream(seed).state_dict().items()}
    identity = {"fingerprint": fingerprint("train_pose", config), "data": "d", "processes": 1}
    torch.save({"state_dict": weights, "epoch": 5, "camfuse": {"labels": identity}}, path)


def test_what_is_written_comes_back_and_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    one = made(settings())
    paths = [tmp_path / name / "best.ckpt" for name in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        made(settings()).save(path)
    found = Checkpoint.load(paths[0])
    assert replace(found, state={}) == replace(one, state={})
    assert all(torch.equal(found.state[key], value) for key, value in one.state.items())
    model = found.recogniser()
    assert not model.training
    assert all(torch.equal(value, one.state[key]) for key, value in model.state_dict().items())
    assert paths[0].read_bytes() == paths[1].read_bytes()
    old = {name: value for name, value in torch.load(paths[0], weights_only=True).items() if name != "precision"}
    torch.save(old, paths[0])
    assert Checkpoint.load(paths[0]).precision == ""  # a file of an earlier version


def test_a_file_that_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save({"state": {}}, tmp_path / "other.ckpt")
    with pytest.raises(WeightsError, match=r"expected a best\.ckpt of camfuse, found a file without classes, config"):
        Checkpoint.load(tmp_path / "other.ckpt")
    with pytest.raises(WeightsError, match=r"none\.ckpt: no such checkpoint; train that part first"):
        Checkpoint.load(tmp_path / "none.ckpt")
    with pytest.raises(WeightsError, match=r"expected a checkpoint, found a folder; give the best\.ckpt"):
        Checkpoint.load(tmp_path)


@pytest.mark.parametrize(("names", "kept"), [(("model",), 0), (("model", "average"), 1)])
def test_the_last_state_stands_beside_the_best_and_gives_its_average_where_there_is_one(
    tmp_path: Path, names: tuple[str, ...], kept: int
) -> None:
    config = settings()
    made(config).save(tmp_path / "best.ckpt")
    save_state(tmp_path / "last.ckpt", config, *names)
    last = Checkpoint.load(tmp_path / "last.ckpt")
    assert (last.epoch, last.numbers, last.classes) == (6, {}, CLASSES)
    expected = pose_stream(kept).state_dict()
    assert last.state.keys() == expected.keys()
    assert all(torch.equal(last.state[key], value) for key, value in expected.items())


def test_a_state_of_another_training_than_the_best_beside_it_is_refused(tmp_path: Path) -> None:
    made(settings()).save(tmp_path / "best.ckpt")
    save_state(tmp_path / "last.ckpt", settings(seed=5), "model")
    with pytest.raises(WeightsError, match=r"last\.ckpt: belongs to another training"):
        Checkpoint.load(tmp_path / "last.ckpt")


def test_the_average_is_told_from_the_weights_by_its_name() -> None:
    plain, average = torch.zeros(1), torch.ones(1)
    assert trained_weights({"state_dict": {"model.w": plain, "clock": plain}}) == {"w": plain}
    assert trained_weights({"state_dict": {"model.w": plain, "average.w": average}}) == {"w": average}


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    config, path = settings(), tmp_path / "best.ckpt"
    found = made(config)
    found.save(path)
    assert load_trained(path, "pose", config, CLASSES).epoch == 3
    with pytest.raises(WeightsError, match="expected a checkpoint of part rgb, found pose"):
        check_trained(found, path, "rgb", config, CLASSES)
    with pytest.raises(WeightsError, match=r"expected the 2 classes .*\(book, drink\), found 3"):
        check_trained(found, path, "pose", config, ("book", "drink"))
    with pytest.raises(WeightsError, match=r"expected fingerprint .* train pose again"):
        check_trained(found, path, "pose", settings(seed=5), CLASSES)


def test_a_checkpoint_outlives_keys_that_its_model_does_not_read() -> None:
    best = made(settings())
    older = replace(best, config=best.config | {"evaluate": {"a_key_of_then": 1}})
    assert older.recogniser().state_dict().keys() == best.recogniser().state_dict().keys()
    with pytest.raises(WeightsError, match="a model of another version"):
        replace(best, config={"model": {"a_stream_of_then": {}}}).recogniser()


def test_weights_that_are_not_the_models_and_values_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    whole = made(settings())
    short = {name: value for name, value in whole.state.items() if "conv1" not in name}
    with pytest.raises(WeightsError, match=r"of pose has not the weights of its model: .*Missing key"):
        replace(whole, state=short).recogniser()
    for changes in ({"classes": 5}, {"part": "legs"}, {"clips": 7}):
        torch.save({**vars(whole), "classes": list(CLASSES), **changes}, path)
        with pytest.raises(WeightsError, match="expected a part, a list of classes and one of clips"):
            Checkpoint.load(path)
    made(settings()).save(path)
    torch.save({"state_dict": {}, "camfuse": {"labels": None}, "epoch": 1}, tmp_path / "last.ckpt")
    with pytest.raises(WeightsError, match="expected the state of a training of camfuse"):
        Checkpoint.load(tmp_path / "last.ckpt")


@pytest.mark.bad_input("a trained model's checkpoint with a flipped byte anywhere", "refused before it is used")
def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    made(settings()).save(path)
    whole = path.read_bytes()
    places = range(0, len(whole), 1000)
    for at in places:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(WeightsError, match=r"best\.ckpt: (damaged|not a whole|expected a PyTorch)"):
            Checkpoint.load(path)
    assert len(places) > 40
