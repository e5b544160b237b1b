"""Which file a model is read from."""

from pathlib import Path

import pytest
from made_training import MadeRun

from camfuse.config import dump_config
from camfuse.errors import WeightsError
from camfuse.predict.network import open_network


def test_a_runs_folder_gives_its_fused_model(trained: MadeRun) -> None:
    facts = open_network(trained.config.output).facts
    assert facts.part == "fusion" and facts.classes == trained.run.classes()
    assert facts.fingerprint == trained.run.fingerprint("train_fusion")


def test_a_trainings_folder_or_its_checkpoint(trained: MadeRun) -> None:
    best = trained.run.training("pose").best
    assert open_network(best).facts.part == open_network(best.parent).facts.part == "pose"


def test_a_moved_run_without_a_fusion(trained: MadeRun, tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "rgb").symlink_to(trained.run.training("rgb").folder)
    (tmp_path / "config.yaml").write_text(trained.run.config_file.read_text())
    assert open_network(tmp_path).facts.part == "rgb"


def test_a_fusion_that_the_model_has_no_longer_is_not_taken(trained: MadeRun, tmp_path: Path) -> None:
    (tmp_path / "train").symlink_to(trained.config.output / "train")
    model = trained.config.model.model_copy(update={"fusion": None})
    (tmp_path / "config.yaml").write_text(dump_config(trained.config.model_copy(update={"model": model})))
    assert open_network(tmp_path).facts.part == "pose"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "expected a run's folder, a best.ckpt or an exported file, found nothing"),
        (["notes.txt"], "expected a run's folder with its config.yaml"),
    ],
)
def test_what_is_no_model(tmp_path: Path, made: list[str], message: str) -> None:
    folder = tmp_path / "given"
    for name in made:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("text")
    with pytest.raises(WeightsError, match=message):
        open_network(folder)


def test_a_run_that_is_not_trained_yet(trained: MadeRun, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(trained.run.config_file.read_text())
    with pytest.raises(WeightsError, match=r"expected a trained model .*fusion.best.ckpt\), found none"):
        open_network(tmp_path)
