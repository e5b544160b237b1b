"""What is said of a config's weights."""

import hashlib
from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.doctor.weights import check_weights


@pytest.mark.parametrize(
    ("content", "digest", "state", "said"),
    [
        (b"weights", hashlib.sha256(b"weights").hexdigest(), "ok", "pose.rtmlib.weights: "),
        (b"others", hashlib.sha256(b"weights").hexdigest(), "missing", "wrong: "),
        (None, None, "missing", "missing: pose.rtmlib.weights: "),
    ],
)
def test_each_file_is_compared(
    make_config: MakeConfig, tmp_path: Path, content: bytes | None, digest: str | None, state: str, said: str
) -> None:
    path = tmp_path / "network.onnx"
    if content is not None:
        path.write_bytes(content)
    file = {"path": str(path)} | ({"sha256": digest} if digest else {})
    first, *_ = check_weights(make_config(pose={"rtmlib": {"weights": file}}))
    assert first.state == state
    assert first.text.startswith(said)
    assert (first.remedy == "") == (state == "ok")


def test_what_can_be_fetched(make_config: MakeConfig) -> None:
    config = make_config(pose={"mmpose": {}}, machine={"weights": "nowhere"})
    assert {one.remedy for one in check_weights(config)} == {"camfuse weights CONFIG"}
