"""`camfuse test CONFIG WEIGHTS`, the paper's second command, on made shards."""

from pathlib import Path

import numpy as np
import pytest
from made_training import THREE, MadeRun, MakeRun
from run_command import camfuse, write_config

from camfuse.errors import CamfuseError, ConfigError, TableError, WeightsError
from camfuse.model.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def config(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config file of the run that is trained already."""
    return write_config(trained, tmp_path_factory.mktemp("config") / "made.yaml")


def best(run: MadeRun, part: str) -> Path:
    return Path(run.config.output / "train" / part / "best.ckpt")


@pytest.mark.slow
def test_all_numbers_without_eval(trained: MadeRun, config: Path) -> None:
    lines = camfuse("test", config, best(trained, "pose"), "--split", "val").splitlines()
    assert lines[0] == "Accuracy on the 6 clips of val, in %"
    assert lines[1].split()[:3] == ["model", "top-1", "top-3"]
    assert lines[3].startswith("Pose")


def test_some_clips_with_one_input(trained: MadeRun, config: Path, tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("test-0-0\ntest-2-2\n")
    out = tmp_path / "out.npz"
    camfuse("test", config, best(trained, "fusion"), "--input", "pose", "--clips", ids, "--out", out)
    with np.load(out) as saved:
        assert saved["clip_id"].tolist() == ["test-0-0", "test-2-2"]
        assert set(saved) == {"clip_id", "classes", "label", "fused", "fusion/pose"}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--out", "x.pkl"], ConfigError, "ends in .csv, .json, .npz"),
        (["--clips", "nowhere.txt"], TableError, "one clip id a line"),
        (["--input", "rgb"], ConfigError, "expected a model that takes rgb, found one of pose"),
    ],
)
def test_what_cannot_be_tested(
    trained: MadeRun, config: Path, arguments: list[str], error: type[CamfuseError], message: str
) -> None:
    with pytest.raises(error, match=message):
        camfuse("test", config, best(trained, "pose"), *arguments)


def test_an_input_that_no_stream_of_a_fused_model_takes(make_run: MakeRun, tmp_path: Path) -> None:
    """`recipe: auto` has no images on a CPU, and a fused model all the same."""
    model = THREE | {"rgb": None}
    run = make_run(tmp_path / "run", {"train": 2, "test": 1}, model=model)
    run.train("fusion")
    path = write_config(run, tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="expected a model that takes rgb, found one of pose, sequence"):
        camfuse("test", path, best(run, "fusion"), "--input", "rgb")


def test_a_runs_folder_gives_its_fused_model(trained: MadeRun, config: Path, tmp_path: Path) -> None:
    for folder, row in ((trained.config.output, "fused"), (best(trained, "pose").parent, "pose")):
        camfuse("test", config, folder, "--out", tmp_path / "out.npz")
        with np.load(tmp_path / "out.npz") as saved:
            assert row in saved
    with pytest.raises(WeightsError, match=r"expected a run's folder with its config.yaml, or one with a best.ckpt"):
        camfuse("test", config, tmp_path)


def test_weights_of_other_classes_or_another_config(trained: MadeRun, config: Path, tmp_path: Path) -> None:
    other = write_config(trained.with_config(seed=7), tmp_path / "other.yaml")
    with pytest.raises(WeightsError, match=r"expected fingerprint .* train pose again") as caught:
        camfuse("test", other, best(trained, "pose"))
    assert "\n" not in str(caught.value)
    found = Checkpoint.load(best(trained, "rgb"))
    renamed = tmp_path / "best.ckpt"
    Checkpoint(**{**vars(found), "classes": ("red", "green", "blue")}).save(renamed)
    with pytest.raises(
        WeightsError, match=r"expected the 3 classes .* found 3 \(red, green, blue\): it is of another run"
    ):
        camfuse("test", config, renamed)
    with pytest.raises(WeightsError, match="no such checkpoint"):
        camfuse("test", config, tmp_path / "nothing.ckpt")
