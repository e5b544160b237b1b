"""Weights that a config names: where they lie, and whether they are whole."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from made_training import MakeConfig

from camfuse.config import WeightsFile, parse_config
from camfuse.errors import ConfigError, MissingToolError, WeightsError
from camfuse.prep.requirements import check_machine, missing_weights, needed_weights
from camfuse.weights.fetch import fetch_weights
from camfuse.weights.needed import Needed, check_weights

CONTENT = bytes(range(256)) * 4096


SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_a_local_path_needs_neither_url_nor_hash(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    one = Needed("pose.mmpose.weights", WeightsFile(path=path), path)
    with pytest.raises(WeightsError, match="put it there or change `path`"):
        fetch_weights(one)
    path.write_bytes(CONTENT)
    assert check_weights(one).sha256 == SHA256


def settings(tmp_path: Path, **mmpose: Any) -> Any:
    return parse_config(
        {
            "clips": {"folder": {"videos": str(tmp_path)}},
            "pose": {"mmpose": mmpose},
            "machine": {"weights": str(tmp_path / "weights")},
        }
    )


def test_a_config_names_its_files(tmp_path: Path) -> None:
    names = [one.path.name for one in needed_weights(settings(tmp_path))]
    assert names == [
        "hrnet_w48_coco_wholebody_384x288_dark-f5726563_20200918.pth",
        "rtmdet_m_8xb32-100e_coco-obj365-person-235e8209.pth",
    ]
    small = settings(tmp_path, model="hrnet_w32_dark_256x192")
    assert "hrnet_w32_coco_wholebody_256x192_dark" in needed_weights(small)[0].path.name


def test_the_start_of_a_run_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as error:
        check_machine(settings(tmp_path), packages=False)
    assert "2 thing(s)" in str(error.value)
    assert "hrnet_w48_coco_wholebody_384x288_dark-f5726563_20200918.pth" in str(error.value)
    assert "camfuse weights CONFIG" in str(error.value)


def test_other_estimators_need_no_weights(make_config: MakeConfig) -> None:
    assert needed_weights(make_config()) == ()
    assert missing_weights(make_config()) == []


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ({}, "give `url` and `sha256`, or `path`"),
        ({"url": "https://example.org/a.pth"}, "needs its `sha256`"),
        ({"url": "https://example.org/a.pth", "sha256": "1234567"}, "sha256"),
        ({"url": "file:///etc/passwd", "sha256": "12345678"}, "url"),
        ({"url": "https://example.org/models/", "sha256": "12345678"}, "url"),
    ],
)
def test_a_checkpoint_is_named_fully(tmp_path: Path, checkpoint: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(tmp_path, weights=checkpoint)


def test_bf16_needs_an_engine_that_has_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="torch or openvino"):
        settings(tmp_path, engine="onnx", precision="bf16")


def test_the_shipped_letters_are_there_whole_and_need_nothing_fetched(make_config: MakeConfig) -> None:
    config = make_config(model={"rgb": None, "pose": None, "sequence": {"weights": "letters"}})
    (needed,) = needed_weights(config)
    assert needed.key == "model.sequence.weights" and needed.state().startswith("ready")
    assert missing_weights(config) == []
