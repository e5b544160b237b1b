"""One ffmpeg process: the colours of HDR video, and one that hangs or dies. All else is tested in `test_video`."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from made_videos import AsClip, MakeVideo, OtherFfmpeg

from camfuse.errors import ClipError
from camfuse.ffmpeg_tool import find_ffmpeg, has_filters
from camfuse.prep import decoder
from camfuse.prep.frames import read_clip
from camfuse.prep.video import read_frames

CURVES = {"HLG": "arib-std-b67", "PQ": "smpte2084"}
SIDE = 64
COLOURS = np.array([(200, 150, 120), (60, 90, 160), (128, 128, 128), (225, 225, 225)], np.uint8)
"""Skin, a shirt, a wall, paper."""


def patches() -> np.ndarray:
    return np.repeat(np.repeat(COLOURS[:, None], SIDE // 4, axis=0), SIDE, axis=1)


def write_hdr(path: Path, curve: str) -> Path:
    """Write four patches as an HDR camera does: paper white at 203 cd/m2 (ITU-R BT.2408)."""
    linear = "zscale=tin=bt709:pin=bt709:min=gbr:rin=pc:t=linear:p=bt709:m=gbr:npl=203,format=gbrpf32le"
    wide = f"zscale=p=bt2020:t={curve}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    said = f"lossless=1:colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc:log-level=none"
    command = [find_ffmpeg(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIDE}x{SIDE}", "-r", "25"]
    command += ["-i", "pipe:0", "-vf", f"{linear},{wide}", "-c:v", "libx265", "-x265-params", said, str(path)]
    try:
        subprocess.run(command, input=patches().tobytes() * 3, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"needs an ffmpeg with zscale and libx265: {error.stderr.decode()[:200]}")
    return path


def shown(image: np.ndarray) -> np.ndarray:
    """Return the colour in the middle of each patch."""
    return image[SIDE // 8 :: SIDE // 4, SIDE // 2].astype(int)


@pytest.mark.bad_input(
    "HDR video (HLG, PQ)", "its colours are brought into the range of other video; a note in the report"
)
@pytest.mark.parametrize("kind", CURVES)
def test_hdr_colours_come_out_as_others(kind: str, tmp_path: Path, as_clip: AsClip) -> None:
    notes: list[str] = []
    frames = list(read_frames(as_clip(write_hdr(tmp_path / "a.mp4", CURVES[kind])), notes.append))
    assert len(frames) == 3 and [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08])
    assert notes == [f"HDR video ({kind}), its colours brought into the range of other video"]
    off = np.abs(shown(frames[0].image) - COLOURS).max(axis=1)
    assert (off <= (12, 12, 12, 25)).all()  # what is whitest makes room for what is brighter than paper


@pytest.mark.bad_input("HDR video, and an ffmpeg without zscale", "colours washed out; a note in the report")
def test_without_the_filters_the_colours_are_said_to_be_washed_out(
    tmp_path: Path, as_clip: AsClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = as_clip(write_hdr(tmp_path / "a.mp4", CURVES["HLG"]))
    mapped = read_clip(clip, 95)
    monkeypatch.setattr(decoder, "has_filters", lambda *names: False)
    plain = read_clip(clip, 95)
    assert len(plain) == len(mapped) == 3
    assert plain.note.startswith(
        "HDR video (HLG), its colours washed out: that takes an ffmpeg with the filters zscale"
    )
    spread = [np.ptp(shown(one[0]), axis=0).max() for one in (plain, mapped)]
    assert spread[0] < 0.8 * spread[1]


def test_a_filter_that_fails_costs_the_colours_only(
    tmp_path: Path, as_clip: AsClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = as_clip(write_hdr(tmp_path / "a.mp4", CURVES["PQ"]))
    monkeypatch.setattr(decoder, "TONE_MAP", (("tonemap", {"tonemap": "none such"}),))
    assert "washed out" in read_clip(clip, 95).note


def test_other_video_is_not_touched(make_video: MakeVideo, as_clip: AsClip) -> None:
    assert read_clip(as_clip(make_video(frames=3)), 95).note == ""
    assert has_filters("scale", "select") and not has_filters("none such")


@pytest.mark.parametrize("begins", ["exec sleep 60", '{real} "$@"; exec sleep 60'])
def test_an_ffmpeg_that_hangs_is_ended(
    make_video: MakeVideo, as_clip: AsClip, other_ffmpeg: OtherFfmpeg, begins: str
) -> None:
    clip, real = as_clip(make_video(frames=3)), find_ffmpeg()
    find_ffmpeg.cache_clear()
    other_ffmpeg(f'[ "$1" = -version ] && exec {real} -version\n{begins.format(real=real)}')
    began = time.monotonic()
    with pytest.raises(ClipError, match=r"gave nothing of .* for 0\.4 s and was ended"):
        list(read_frames(clip, patience=0.4))
    assert time.monotonic() - began < 5


def test_one_whose_frames_are_waited_for_does_not_hang(make_video: MakeVideo, as_clip: AsClip) -> None:
    frames = read_frames(as_clip(make_video(frames=40)), patience=0.4)
    next(frames)
    time.sleep(1.0)
    assert sum(1 for _ in frames) == 39


def test_an_ffmpeg_that_is_killed_costs_its_clip(
    make_video: MakeVideo, as_clip: AsClip, other_ffmpeg: OtherFfmpeg
) -> None:
    clip, real = as_clip(make_video(frames=3)), find_ffmpeg()
    find_ffmpeg.cache_clear()
    other_ffmpeg(f'[ "$1" = -version ] && exec {real} -version\n{real} "$@"; kill -9 $$')
    with pytest.raises(ClipError, match="exit code -9"):
        list(read_frames(clip))
