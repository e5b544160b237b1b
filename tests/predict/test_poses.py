"""Keypoints and heatmaps from Python are those of the stages; results print well and turn into tables."""

from pathlib import Path

import numpy as np
import pytest
from made_training import MakeConfig
from walker import Walker

import camfuse
from camfuse.errors import ConfigError
from camfuse.predict import poses
from camfuse.predict.recognise import clip_of
from camfuse.prep.one_video import prepare_clip


@pytest.fixture
def walker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poses, "make_estimator", lambda config: Walker())


def test_the_same_as_the_stages(walker: None, video: Path, make_config: MakeConfig) -> None:
    prepared = prepare_clip(make_config(), clip_of(video), Walker())
    found = camfuse.estimate_pose(video)
    np.testing.assert_array_equal(found.keypoints, prepared.poses.keypoints)
    assert (len(found), found.height, found.width, found.fps) == (20, 64, 128, pytest.approx(25))
    heatmaps = camfuse.render_heatmaps(found)
    np.testing.assert_array_equal(np.asarray(heatmaps), prepared.volume)
    np.testing.assert_allclose(heatmaps.affine, prepared.crops.affine)
    zoomed = make_config(heatmaps={"hands": "zoomed"})
    drawn = np.asarray(camfuse.render_heatmaps(found, hands="zoomed"))
    np.testing.assert_array_equal(drawn, prepare_clip(zoomed, clip_of(video), Walker()).volume)
    again = camfuse.render_heatmaps(found.keypoints.tolist(), height=64, width=128, crop=64, sigma=1.0)
    assert again.volume.shape == (20, 133, 16, 16)


def test_tables(walker: None, video: Path) -> None:
    found = camfuse.estimate_pose(str(video), start=0.2)
    table = found.to_pandas()
    assert len(table) == 15 * 133 and list(table) == ["frame", "time", "keypoint", "x", "y", "score"]
    assert table["time"].iloc[-1] == pytest.approx(19 / 25)
    peaks = camfuse.render_heatmaps(found).to_pandas()
    nose = peaks[(peaks["frame"] == 3) & (peaks["keypoint"] == 0)].iloc[0]
    assert nose["peak"] > 50
    x, y = camfuse.render_heatmaps(found).keypoints[3, 0, :2] / 4 - 0.375
    assert (nose["x"], nose["y"]) == (round(x), round(y))


def test_they_print_well(walker: None, video: Path) -> None:
    found = camfuse.estimate_pose(video)
    assert "20 frames, 128x64, 25 fps; body 95%, face 0%" in repr(found)
    assert "<td>body</td><td>95%</td>" in found._repr_html_()
    heatmaps = camfuse.render_heatmaps(found)
    assert repr(heatmaps) == "Heatmaps((20, 133, 64, 64), uint8)"
    assert "data:image/png;base64,iVBOR" in heatmaps._repr_html_()


def test_what_cannot_be_rendered() -> None:
    with pytest.raises(ValueError, match="expected height and width"):
        camfuse.render_heatmaps(np.zeros((2, 133, 3)))
    with pytest.raises(ValueError, match=r"expected keypoints \(T, 133, 3\), found \(2, 17, 3\)"):
        camfuse.render_heatmaps(np.zeros((2, 17, 3)), height=9, width=9)
    with pytest.raises(ValueError, match="expected hands='zoomed' or None, found 'close'"):
        camfuse.render_heatmaps(np.zeros((2, 133, 3)), height=9, width=9, hands="close")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="expected one of the estimators"):
        camfuse.estimate_pose("v.mp4", "openpose")


@pytest.mark.slow
def test_a_real_clip(shared_data: Path) -> None:
    found = camfuse.estimate_pose(shared_data / "clips" / "faults" / "odd_321x241.mp4")
    assert (found.width, found.height) == (321, 241)
    assert found._seen()["body"] > 0.9
