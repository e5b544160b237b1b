"""Show: a clip of a run whose shards are written by hand, and a real video from end to end."""

from pathlib import Path

import numpy as np
import pytest
from made_training import MakeConfig
from PIL import Image

from camfuse.errors import CamfuseError, ConfigError, ShardError, StaleShardError
from camfuse.run.layout import Run
from camfuse.show.run import is_clip, show, show_video
from tests.show.made_clips import FRAMES, HEIGHT, WIDTH, not_keeping


def test_a_clip_is_told_from_a_file_of_its_name(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_clip(run, "book_01") and not caplog.messages
    Path("book_01").touch()
    assert is_clip(run, "book_01")
    assert "book_01 is a clip of" in caplog.text and "for the file say ./book_01" in caplog.text
    assert not is_clip(run, "./book_01") and not is_clip(run, "book_03")


def test_where_no_run_is_nothing_is_its_clip(make_config: MakeConfig) -> None:
    assert not is_clip(Run(make_config()), "book_01")


def test_contact_sheet(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "new" / "book.png"
    show(run, "book_01", output, columns=4)
    with Image.open(output) as image:
        assert image.format == "PNG"
        width, height = image.size
    assert width == pytest.approx(4 * 256, abs=150)
    assert height == pytest.approx(256 * HEIGHT / WIDTH + 2 * 256, abs=150)
    assert not list(output.parent.glob("*.part"))


def test_more_columns_than_frames(run: Run, tmp_path: Path) -> None:
    show(run, "book_01", tmp_path / "book.png", columns=50)
    with Image.open(tmp_path / "book.png") as image:
        assert image.size[0] == pytest.approx(FRAMES * 264, abs=60)


def test_an_unknown_clip_leaves_no_file(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match="book_03: no such clip among the 3"):
        show(run, "book_03", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_wrong_suffix(run: Run, make_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match=r"\.png, \.gif, \.mp4, found '\.jpg'"):
        show(run, "book_01", tmp_path / "x.jpg")
    with pytest.raises(CamfuseError, match=r"\.png, \.gif, \.mp4, found '\.jpg'"):
        show_video(tmp_path / "a.mp4", make_config(), tmp_path / "x.jpg")


def test_another_config_is_refused(run: Run, tmp_path: Path) -> None:
    heatmaps = run.config.heatmaps.model_copy(update={"sigma": 1.5})
    other = Run(run.config.model_copy(update={"heatmaps": heatmaps}))
    with pytest.raises(StaleShardError):
        show(other, "book_01", tmp_path / "x.png")


def test_frames_that_were_not_kept(run: Run, tmp_path: Path) -> None:
    (run.output / "frames" / "0000.h5").unlink()
    with pytest.raises(ShardError, match="no such shard"):
        show(run, "book_01", tmp_path / "x.png")
    show(not_keeping(run), "book_01", tmp_path / "x.png", columns=3)
    with Image.open(tmp_path / "x.png") as image:
        assert image.size[1] == pytest.approx(2 * 256, abs=110)  # crops and heatmaps only


def test_video_wants_an_estimator(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(pose={"annotations": {}})
    with pytest.raises(ConfigError, match="mediapipe"):
        show_video(tmp_path / "a.mp4", config, tmp_path / "a.png")


def test_video_that_is_not_there(make_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(CamfuseError, match=r"a\.mp4: expected a video file"):
        show_video(tmp_path / "a.mp4", make_config(), tmp_path / "a.png")


def test_a_real_video_end_to_end(shared_data: Path, make_config: MakeConfig, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    output = tmp_path / "real.png"
    show_video(shared_data / "clips" / "wlasl" / "videos" / "02712.mp4", make_config(), output, columns=3)
    with Image.open(output) as image:
        sheet = np.asarray(image).astype(int)
    # Skeletons are drawn: there is a lot of exactly the body's colour.
    assert np.count_nonzero((np.abs(sheet - (38, 208, 150)) < 8).all(axis=2)) > 1000
