"""Drawn clips as files: each form holds what it should, complete or not at all."""

import hashlib
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

from camfuse.errors import CamfuseError, ShardError
from camfuse.run.layout import Run
from camfuse.show.clip_images import ClipImages
from camfuse.show.save import SUFFIXES, check_suffix, save
from tests.show.made_clips import FRAMES, RATE, images, not_keeping


@pytest.fixture
def clip(run: Run) -> ClipImages:
    return images(run, "book_01")


@pytest.mark.parametrize("name", ["a.png", "a.b.GIF", "a.Mp4"])
def test_known_suffixes(name: str) -> None:
    check_suffix(Path(name))


@pytest.mark.parametrize(("name", "found"), [("x.jpg", "'.jpg'"), ("png", "''"), ("a.png.part", "'.part'")])
def test_wrong_suffix(name: str, found: str) -> None:
    with pytest.raises(CamfuseError, match=rf"{name}: expected a name that ends in \.png, \.gif, \.mp4, found {found}"):
        check_suffix(Path(name))


def test_a_sheet_is_a_png(clip: ClipImages, tmp_path: Path) -> None:
    output = tmp_path / "new" / "book.PNG"
    save(clip, output, columns=2)
    with Image.open(output) as image:
        assert image.format == "PNG"
        assert image.size == clip.sheet(columns=2).shape[1::-1]
    assert [path.name for path in output.parent.iterdir()] == ["book.PNG"]


def test_the_same_twice_gives_the_same_bytes(clip: ClipImages, tmp_path: Path) -> None:
    digests = set()
    for name in ("one.png", "two.png"):
        save(clip, tmp_path / name, columns=8)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_gif_has_every_frame_and_lasts_as_long_as_the_clip(clip: ClipImages, tmp_path: Path) -> None:
    output = tmp_path / "book.gif"
    save(clip, output, columns=8)
    with Image.open(output) as image:
        assert image.n_frames == FRAMES
        total = 0
        for t in range(FRAMES):
            image.seek(t)
            total += image.info["duration"]
    assert total == pytest.approx(1000 * FRAMES / RATE, abs=10)


def test_mp4_has_every_frame_at_the_clips_rate(clip: ClipImages, tmp_path: Path) -> None:
    output = tmp_path / "book.mp4"
    save(clip, output, columns=8)
    frames = imageio_ffmpeg.read_frames(str(output))
    facts = next(frames)
    assert facts["codec"] == "h264" and facts["pix_fmt"].startswith("yuv420p")
    assert facts["fps"] == 12.5
    assert facts["size"][0] % 2 == facts["size"][1] % 2 == 0
    assert len(list(frames)) == FRAMES


def test_a_gif_without_frames(run: Run, tmp_path: Path) -> None:
    run.shard_path("frames", "0000").unlink()
    save(images(not_keeping(run), "book_01"), tmp_path / "book.gif", columns=8)
    with Image.open(tmp_path / "book.gif") as image:
        assert image.n_frames == FRAMES


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_clip_that_cannot_be_drawn_leaves_no_file(
    clip: ClipImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    def damaged(self: ClipImages, t: int, side: int) -> None:
        raise ShardError(f"crop {t} is not a JPEG image")

    folder = tmp_path / "new"
    monkeypatch.setattr(ClipImages, "heatmaps", damaged)
    with pytest.raises(ShardError, match="is not a JPEG image"):
        save(clip, folder / f"book{suffix}", columns=8)
    assert list(folder.iterdir()) == []
