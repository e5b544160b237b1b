"""`camfuse export MODEL`: the file is named and checked before anything is computed."""

from pathlib import Path

import pytest
from made_training import MadeRun
from run_command import camfuse

from camfuse.errors import ConfigError


def test_a_file_that_predict_takes(trained: MadeRun, tmp_path: Path) -> None:
    file = tmp_path / "signs.pt2"
    said = camfuse("export", trained.run.training("pose").best, "--format", "torch", "--output", file)
    assert said.startswith(f"{file}: ") and "differ from the model's by at most" in said
    assert file.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected MODEL"),
        (["m", "--format", "pyskl"], "expected MODEL and --format onnx or torch"),
        (["m", "--output", "m.pt"], r"expected a name that ends in \.onnx for --format onnx"),
    ],
)
def test_what_is_wrong(arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        camfuse("export", *arguments)
