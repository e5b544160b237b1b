"""The worst clips of a test: which they are, their sheets and their page."""

from pathlib import Path

import numpy as np
import pytest
from made_results import made_results, made_score
from run_command import camfuse

from camfuse.config import WeightsFile, dump_config
from camfuse.errors import ConfigError, TableError
from camfuse.evaluate.results import write_results
from camfuse.run.layout import Run
from camfuse.show.worst import find_worst, show_worst

EVIL = "<script>"
IDS = ("book_01", "book_02", "drink_01")


@pytest.fixture
def tested(run: Run) -> Run:
    """A run with a test of three clips: one right, one a little wrong, one surely wrong."""
    write_results(made_results({"rgb": made_score(1 / 3, clips=3)}), run.evaluation)
    rgb = np.array([[0.9, 0.1], [0.4, 0.6], [0.95, 0.05]], np.float32)
    np.savez(run.evaluation.probabilities, clip_id=IDS, classes=["book", EVIL], label=[0, 0, 1], rgb=rgb)
    return run


def test_the_highest_loss_comes_first(tested: Run) -> None:
    first, second, *others = find_worst(tested, 3)
    assert (first.clip_id, first.label, first.predicted) == ("drink_01", EVIL, "book")
    assert first.loss == pytest.approx(-np.log(0.05), abs=1e-5) and first.sure == pytest.approx(0.95)
    assert second.clip_id == "book_02" and not second.right
    assert [one.right for one in others] == [True]
    assert len(find_worst(tested, 1)) == 1


def test_sheets_and_page(tested: Run, tmp_path: Path) -> None:
    folder = tmp_path / "worst"
    page = show_worst(tested, 3, folder, columns=2)
    text = page.read_text()
    assert sorted(one.name for one in folder.iterdir()) == ["002.jpg", "003.jpg", "index.html"]
    assert "Not drawn" in text  # drink_01 shows nobody
    assert EVIL not in text and "&lt;script&gt;" in text
    assert text.index("drink_01") < text.index("book_02") < text.index("book_01")
    show_worst(tested, 1, folder)
    assert sorted(one.name for one in folder.iterdir())[-1] == "index.html" and "book_02" not in page.read_text()


def test_a_test_by_another_config_is_said(tested: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(dump_config(tested.config))
    camfuse("show", "--worst", 1, "--config", config, "--output", tmp_path / "worst")
    assert f"{tested.output}: the test is of another config or version" in caplog.text


def test_a_test_that_cannot_be_compared_is_shown(tested: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weights = WeightsFile(path=tmp_path / "gone.pth")
    rgb = tested.config.model.rgb
    assert rgb is not None
    model = tested.config.model.model_copy(update={"rgb": rgb.model_copy(update={"weights": weights})})
    run = Run(tested.config.model_copy(update={"model": model}))
    assert len(find_worst(run, 1)) == 1
    assert f"{run.output}: the test cannot be compared" in caplog.text


def test_a_folder_of_other_files_is_left_alone(tested: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"found mine\.txt"):
        show_worst(tested, 1, tmp_path)
    with pytest.raises(ConfigError, match="found the file"):
        show_worst(tested, 1, tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_an_untested_run_or_a_damaged_file(run: Run, tested: Run) -> None:
    path = tested.evaluation.probabilities
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(TableError, match="expected clip_id, classes, label and rgb"):
        find_worst(tested, 1)
    path.unlink()
    with pytest.raises(TableError, match="probabilities of a finished test, found none"):
        find_worst(tested, 1)
