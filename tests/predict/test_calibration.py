"""The calibration beside a checkpoint: worked by hand, read back, refused where it is damaged."""

from pathlib import Path

import numpy as np
import pytest

from camfuse.errors import WeightsError
from camfuse.predict.calibration import FILE, Calibration


def test_a_temperature_of_two_takes_the_square_root() -> None:
    found = Calibration(temperature=2.0).apply(np.array([0.64, 0.16, 0.16, 0.04]))
    np.testing.assert_allclose(found, np.array([0.8, 0.4, 0.4, 0.2]) / 1.8, rtol=1e-6)
    assert found.dtype == np.float32


def test_the_neutral_one_changes_nothing() -> None:
    given = np.array([[0.7, 0.3], [0.0, 1.0]], np.float32)
    assert (Calibration().apply(given) == given).all()
    assert Calibration().known(given[0])


def test_a_threshold_says_what_is_known() -> None:
    chosen = Calibration(threshold=0.5)
    assert chosen.known(np.array([0.5, 0.3, 0.2]))
    assert not chosen.known(np.array([0.4, 0.3, 0.3]))


def test_it_says_why_there_is_no_threshold() -> None:
    assert Calibration(threshold=0.5, false_accepts=0.1).missing is None
    assert "no threshold was chosen for these words on val" in str(Calibration().missing)
    why = str(Calibration(false_accepts=0.05).missing)
    assert "20 clips of val of words kept out of training" in why and "or 60 of known words" in why


def test_it_is_read_back_from_beside_the_checkpoint(tmp_path: Path) -> None:
    assert Calibration.beside(tmp_path / "best.ckpt") == Calibration()
    chosen = Calibration(1.5, 0.4, 0.1, {"rgb": 0.2, "pose": 0.8})
    chosen.save(tmp_path)
    assert Calibration.beside(tmp_path / "best.ckpt") == chosen


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", "null", '{"temperature": 0}', '{"temperature": "warm"}', '{"heat": 1}', '{"threshold": 2}'),
        *('{"false_accepts": 0}', '{"false_accepts": 1}'),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(WeightsError, match=r"expected a model's calibration.*evaluate again"):
        Calibration.beside(tmp_path / "best.ckpt")
