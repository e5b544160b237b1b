"""Which file a model is read from."""

from pathlib import Path

import pytest
from made_training import MadeRun

from camfuse.config import dump_config
from camfuse.errors import WeightsError
from camfuse.predict.network import find_model, open_network
from camfuse.run.experiments import KINDS, Experiment, Plan


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


@pytest.fixture
def experiments(trained: MadeRun, tmp_path: Path) -> dict[str, Experiment]:
    """Write the folders of a run's experiments and cells; those that change no training have the run's own."""
    given = {"same": {"evaluate": {"samplings": 7}}, "other": {"seed": 5}}
    matrix = {"seeds": [trained.config.seed], "streams": ["pose"]}
    run = trained.with_config(output=str(tmp_path), experiments=given, ablation=matrix)
    (tmp_path / "train").symlink_to(trained.config.output / "train")
    run.run.config_file.write_text(dump_config(run.config))
    plan = Plan(run.config)
    for kind in KINDS:
        for one in plan.of(kind):
            folder = tmp_path / kind / one.name
            folder.mkdir(parents=True)
            (folder / "config.yaml").write_text(dump_config(one.config))
    return {one.name: one for kind in KINDS for one in plan.of(kind)}


def test_the_folder_of_an_experiment_gives_the_model_of_its_training(
    trained: MadeRun, experiments: dict[str, Experiment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same, other = (tmp_path / "experiments" / name for name in ("same", "other"))
    assert find_model(same).samefile(trained.run.training("fusion").best)
    with pytest.raises(WeightsError, match=r"other: expected a trained model .*experiments/train/fusion/.*, found non"):
        find_model(other)
    shared = experiments["other"].trainings["pose"].files
    shared.folder.mkdir(parents=True)
    shared.best.symlink_to(trained.run.training("pose").best)
    monkeypatch.chdir(other)
    assert find_model(Path()) == shared.best


def test_the_folder_of_a_cell_gives_what_the_cell_tests(
    trained: MadeRun, experiments: dict[str, Experiment], tmp_path: Path
) -> None:
    assert list(experiments) == ["same", "other", f"streams-seed{trained.config.seed}"]
    cell = tmp_path / "ablation" / f"streams-seed{trained.config.seed}"
    assert find_model(cell).samefile(trained.run.training("pose").best)


def test_an_experiment_that_the_config_names_no_longer_is_a_run_of_its_own(
    experiments: dict[str, Experiment], tmp_path: Path
) -> None:
    left = (tmp_path / "experiments" / "other").rename(tmp_path / "experiments" / "left")
    with pytest.raises(WeightsError, match=r"found none; run the workflow to its end$"):
        find_model(left)
