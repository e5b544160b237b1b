"""Every frame once, at its true time, and the right ones of a segment."""

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_videos import AsClip, MakeVideo, NumberOf, OtherFfmpeg

from camfuse import ffmpeg_tool
from camfuse.clips.table import Clip
from camfuse.errors import ClipError, MissingToolError
from camfuse.prep import decoder, video
from camfuse.prep.video import read_frames

NTSC = "30000/1001"


def test_every_frame_once_at_its_time(make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf) -> None:
    frames = list(read_frames(as_clip(make_video(frames=40, rate=NTSC))))
    assert [number_of(frame.image) for frame in frames] == list(range(40))
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(40) * 1001 / 30000, atol=1e-8)
    np.testing.assert_allclose([frame.duration for frame in frames], 1001 / 30000, atol=1e-8)


def test_segment_counted_at_25_of_a_video_at_29_97(make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf) -> None:
    # Frames 11 to 20 (from 1, at 25 per second) are 0.4 to 0.8 s: 11.99 to 23.98 frames of 1001/30000 s.
    clip = as_clip(make_video(frames=60, rate=NTSC), start=10 / 25, end=20 / 25)
    frames = list(read_frames(clip))
    assert [number_of(frame.image) for frame in frames] == list(range(12, 24))
    assert frames[0].time == pytest.approx(12 * 1001 / 30000, abs=1e-8)


@pytest.mark.parametrize(("first", "last"), [(1, 1), (3, 7), (30, 60), (57, 59)])
def test_segment_counted_at_the_videos_own_rate(
    first: int, last: int, make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf
) -> None:
    clip = as_clip(make_video(frames=60), start=(first - 1) / 25, end=last / 25)
    assert [number_of(frame.image) for frame in read_frames(clip)] == list(range(first - 1, last))


def test_segment_far_into_a_video_is_the_same(make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf) -> None:
    clip = as_clip(make_video(frames=200, rate=NTSC), start=5.01, end=5.2)  # 150.15 to 155.84 frames
    frames = list(read_frames(clip))
    assert [number_of(frame.image) for frame in frames] == list(range(150, 156))
    assert frames[0].time == pytest.approx(150 * 1001 / 30000, abs=1e-8)


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-x264-params")
"""The test's videos have too few shades for the usual key frames."""
FAR_KINDS = {
    "mp4": ("v.mp4", (*X264, "keyint=20"), True),
    "open groups": ("v.mp4", (*X264, "keyint=20:open-gop=1"), True),
    "mkv": ("v.mkv", (*X264, "keyint=50"), True),
    "no time stamps at 0": ("v.mkv", (*X264, "keyint=20", "-output_ts_offset", "7.3"), True),
    "one key frame": ("v.mp4", (*X264, "keyint=999"), True),
    "no whole images": ("v.mkv", (*X264, "keyint=60:intra-refresh=1", "-bf", "0"), False),
    "another container": ("v.avi", (), False),
    "pieces": ("v.mp4", (*X264, "keyint=20", "-movflags", "frag_keyframe+empty_moov"), True),
}


@pytest.mark.parametrize(("name", "options", "looked_for"), FAR_KINDS.values(), ids=FAR_KINDS)
def test_a_segment_is_looked_for_and_the_frames_stay_the_same(
    name: str,
    options: tuple[str, ...],
    looked_for: bool,
    make_video: MakeVideo,
    as_clip: AsClip,
    number_of: NumberOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = make_video(name, frames=250, rate="10", options=options)
    segments = [as_clip(path, 15.5, 17.0), as_clip(path, 20.03, 21.1), as_clip(path, 23.0)]
    monkeypatch.setattr(video, "FAR", float("inf"))
    expected = [list(read_frames(clip)) for clip in segments]
    monkeypatch.undo()
    frames = [list(read_frames(clip)) for clip in segments]
    assert [[number_of(frame.image) for frame in part] for part in frames] == [
        list(range(155, 170)),
        list(range(200, 211)),
        list(range(230, 250)),
    ]
    for part, others in zip(frames, expected, strict=True):
        assert [(frame.time, frame.duration) for frame in part] == [(other.time, other.duration) for other in others]
        assert all(np.array_equal(frame.image, other.image) for frame, other in zip(part, others, strict=True))
    assert (next(video._found(segments[1], str, 600), None) is not None) == looked_for


def test_a_segment_far_inside_is_not_decoded_from_the_first_frame_on(
    make_video: MakeVideo, as_clip: AsClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = as_clip(make_video(frames=250, rate="10", options=(*X264, "keyint=20")), 20.0, 21.0)
    decode, sought = video.decode, []

    def watched(clip: Clip, note: Any, seek: float | None = None, patience: float = 600) -> Any:
        sought.append(seek)
        return decode(clip, note, seek, patience)

    monkeypatch.setattr(video, "decode", watched)
    assert len(list(read_frames(clip))) == 10
    assert sought == [None, 20.0 - video.LONGEST - video.AHEAD]  # the first frame's time, then the segment


def test_a_segment_far_behind_the_end_is_said_as_any(make_video: MakeVideo, as_clip: AsClip) -> None:
    path = make_video(frames=250, rate="10", options=(*X264, "keyint=20"))
    with pytest.raises(ClipError, match=r"starts at 40.000 s, but .* is 25.000 s long"):
        list(read_frames(as_clip(path, start=40.0)))


@pytest.mark.parametrize("rate", ["12.5", NTSC])  # at 12.5, every other border of 1/25 s is the middle of a frame
def test_adjoining_segments_share_nothing_and_lose_nothing(
    rate: str, make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf
) -> None:
    path = make_video(frames=20, rate=rate)
    borders = [0.0, 5 / 25, 8 / 25, 13 / 25, float("inf")]
    numbers = [
        number_of(frame.image) for start, end in pairwise(borders) for frame in read_frames(as_clip(path, start, end))
    ]
    assert numbers == list(range(20))


def test_variable_rate_is_kept(make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf) -> None:
    times = [0, 0.1, 0.5, 0.6, 1.5]
    stamps = "+".join(f"eq(N\\,{n})*{round(time * 1000)}" for n, time in enumerate(times))
    keep = next(f"-{name}" for name in decoder._keep_every_frame())
    options = ("-vf", f"settb=1/1000,setpts={stamps}", keep, "passthrough", "-enc_time_base", "1/1000")
    path = make_video("vfr.mkv", frames=5, options=options)
    frames = list(read_frames(as_clip(path)))
    assert [number_of(frame.image) for frame in frames] == list(range(5))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-6)
    # The middles are 0.05, 0.3, 0.55, 1.05 and 1.95 s.
    assert [number_of(frame.image) for frame in read_frames(as_clip(path, 0.3, 1.0))] == [1, 2]


def test_a_frame_held_long_counts_as_two_seconds(make_video: MakeVideo, as_clip: AsClip, number_of: NumberOf) -> None:
    keep = next(f"-{name}" for name in decoder._keep_every_frame())
    options = ("-vf", "settb=1/1000,setpts=N*20000", keep, "passthrough", "-enc_time_base", "1/1000")
    path = make_video("slow.mkv", frames=3, options=options)  # 0, 20 and 40 s
    assert [number_of(frame.image) for frame in read_frames(as_clip(path, 19.0, 30.0))] == [1]
    with pytest.raises(ClipError, match=r"no frame .* between 5.000 and 15.000 s"):
        list(read_frames(as_clip(path, 5.0, 15.0)))


def test_images_are_rgb(make_video: MakeVideo, as_clip: AsClip) -> None:
    path = make_video("red.mp4", frames=2, options=("-vf", "drawbox=color=red:t=fill"))
    red, green, blue = next(iter(read_frames(as_clip(path)))).image[32, 64].tolist()
    assert red > 200
    assert max(green, blue) < 50


def test_gray_and_odd_size(make_video: MakeVideo, as_clip: AsClip) -> None:
    options = ("-vf", "scale=37:21", "-c:v", "ffv1", "-pix_fmt", "gray")
    frames = list(read_frames(as_clip(make_video("gray.mkv", frames=3, options=options))))
    assert [frame.image.shape for frame in frames] == [(21, 37, 3)] * 3


NAMES = [
    "-y.mp4", "a b.mp4", "手話 ü.mp4", "frame%03d.mp4", "concat:a|b.mp4", "pipe:0", "http:x.mp4", "-", "a'b\"c.mp4",
    "a\\:b,c;d[e].mp4", "data:video;base64,xx", "$(id).mp4", "a\nb.mp4", "*.mp4", "file:x.mp4", "no_suffix",
    os.fsdecode(b"caf\xe9.mp4"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(
    name: str, make_video: MakeVideo, as_clip: AsClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(make_video("plain.mp4", frames=3), tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert sum(1 for _ in read_frames(as_clip(Path(name)))) == 3


@pytest.mark.bad_input("a playlist called .mp4", "left out; nothing else is opened")
@pytest.mark.parametrize(
    "text", ["ffconcat version 1.0\nfile 'plain.mp4'\n", "#EXTM3U\n#EXTINF:2,\nplain.mp4\n#EXT-X-ENDLIST\n"]
)
def test_a_file_that_names_other_files_is_refused(
    text: str, make_video: MakeVideo, as_clip: AsClip, tmp_path: Path
) -> None:
    make_video("plain.mp4", frames=3)
    (tmp_path / "list.mp4").write_text(text)
    with pytest.raises(ClipError, match="cannot decode"):
        list(read_frames(as_clip(tmp_path / "list.mp4")))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected a video, found an empty file"),
        (b"<!DOCTYPE html><title>Sign in</title>", "expected a video, found a web page: the download failed"),
        (b"version https://git-lfs.github.com/spec/v1\n", "expected a video, found a Git LFS pointer"),
    ],
)
def test_another_file_under_a_videos_name(content: bytes, words: str, as_clip: AsClip, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(ClipError, match=words):
        list(read_frames(as_clip(tmp_path / "a.mp4")))


def test_a_video_without_its_index_was_cut_off(make_video: MakeVideo, as_clip: AsClip) -> None:
    path = make_video("cut.mp4", frames=60)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ClipError, match="found one whose index is missing: it was cut off, copy it again"):
        list(read_frames(as_clip(path)))


def test_no_such_file(as_clip: AsClip, tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"expected a video file at .*gone\.mp4"):
        list(read_frames(as_clip(tmp_path / "gone.mp4")))


def test_a_segment_after_the_end_points_at_trimmed(make_video: MakeVideo, as_clip: AsClip) -> None:
    path = make_video(frames=25)
    with pytest.raises(ClipError, match=r"starts at 7.000 s, but .* is 1.000 s long: is that in seconds\? .*trimmed"):
        list(read_frames(as_clip(path, start=7.0)))
    assert len(list(read_frames(as_clip(path, start=0.9, end=99.0)))) == 3  # 0.9 s is 22.5 frames: 22, 23, 24


@pytest.mark.bad_input("a segment that ends long after its video", "the frames that there are; a note in the report")
def test_a_segment_that_ends_long_after_its_video_is_said(
    make_video: MakeVideo, as_clip: AsClip, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_video(frames=25)
    for end in (1.0, 1.9, float("inf")):
        assert len(list(read_frames(as_clip(path, end=end)))) == 25
    assert not caplog.messages
    assert len(list(read_frames(as_clip(path, end=48.0)))) == 25
    assert caplog.messages == [f"clip c: its segment ends at 48.000 s, but {path} is 1.000 s long: is that in seconds?"]


@pytest.mark.bad_input(
    "a segment of a video whose sound begins before its images", "counted from the first image; a note in the report"
)
@pytest.mark.parametrize("start", [0.4, 16.0])
def test_segments_count_from_the_first_image_and_say_so_where_the_sound_comes_first(
    start: float,
    make_video: MakeVideo,
    as_clip: AsClip,
    number_of: NumberOf,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain, path = make_video(frames=200, rate="10"), tmp_path / "late.mkv"
    sound = ("-f", "lavfi", "-i", "sine=d=22")
    command = [ffmpeg_tool.find_ffmpeg(), "-v", "error", "-itsoffset", "1.5", "-i", str(plain), *sound]
    subprocess.run([*command, "-c:v", "copy", "-c:a", "pcm_s16le", str(path)], check=True)
    frames = list(read_frames(as_clip(path, start, start + 0.3)))
    assert [number_of(frame.image) for frame in frames] == [round(start * 10) + n for n in range(3)]
    assert "s after the sound; start and end count from the first image" in caplog.text
    list(read_frames(as_clip(plain, start, start + 0.3)))
    assert caplog.text.count("after the sound") == 1


@pytest.mark.bad_input("a video that was cut off", "left out")
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(("name", "options"), [("cut.mp4", ("-movflags", "+faststart")), ("cut.mkv", ())])
def test_a_truncated_file_is_an_error(
    name: str, options: tuple[str, ...], share: float, make_video: MakeVideo, as_clip: AsClip
) -> None:
    path = make_video(name, frames=60, options=options)
    assert len(list(read_frames(as_clip(path)))) == 60
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ClipError, match=r"cannot decode all of|should be 2.40 s long"):
        list(read_frames(as_clip(path)))


def test_damage_after_the_segment_does_not_matter(make_video: MakeVideo, as_clip: AsClip) -> None:
    path = make_video("cut.mp4", frames=100, options=("-movflags", "+faststart"))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.9)])
    assert len(list(read_frames(as_clip(path, end=0.4)))) == 10


def test_leaving_early_ends_ffmpeg(make_video: MakeVideo, as_clip: AsClip, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def record(*args: Any, **kwargs: Any) -> Any:
        process = start(*args, **kwargs)
        started.append(process)
        return process

    clip = as_clip(make_video(frames=200))
    ffmpeg_tool.ffmpeg_version()
    monkeypatch.setattr(subprocess, "Popen", record)
    frames = read_frames(clip)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert [process.returncode is not None for process in started] == [True]


def test_a_flood_of_messages_does_not_block(make_video: MakeVideo, as_clip: AsClip, other_ffmpeg: OtherFfmpeg) -> None:
    path = make_video(frames=2)
    for cached in (ffmpeg_tool.find_ffmpeg, ffmpeg_tool.ffmpeg_version):
        cached.cache_clear()
    other_ffmpeg(
        'if [ "$1" = -version ]; then echo "ffmpeg version 6.0"; exit; fi\n'
        "yes '[x @ 0x1] [error] broken' | head -100000 >&2\nexit 1"
    )
    with pytest.raises(ClipError, match=r"cannot decode all of .*: broken$"):
        list(read_frames(as_clip(path)))


def test_an_old_ffmpeg_is_refused(as_clip: AsClip, other_ffmpeg: OtherFfmpeg, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    other_ffmpeg('echo "ffmpeg version 4.2.7-0ubuntu0.1 Copyright"')
    with pytest.raises(MissingToolError, match=r"expected ffmpeg 4.3 or newer, found 4.2.7"):
        list(read_frames(as_clip(tmp_path / "a.mp4")))


FAULTS = {
    "alpha.webm": (59, (720, 1280)), "black.mp4": (25, (240, 320)), "clip.gif": (19, (90, 160)),
    "fps60.mp4": (116, (720, 1280)), "gray.mp4": (59, (720, 1280)), "odd_321x241.mp4": (59, (241, 321)),
    "one_frame.mp4": (1, (720, 1280)), "rotated_meta90.mp4": (59, (1280, 720)), "tiny_64x48.mp4": (59, (48, 64)),
    "vfr.mp4": (33, (720, 1280)), "audio_only.mp4": "has no video stream", "text.mp4": "moov atom not found",
    "truncated.mp4": "moov atom not found", "truncated_faststart.mp4": "cannot decode all of",
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_odd_and_faulty_files(name: str, shared_data: Path, as_clip: AsClip) -> None:
    clip = as_clip(shared_data / "clips/faults" / name)
    expected = FAULTS[name]
    if isinstance(expected, str):
        with pytest.raises(ClipError, match=expected):
            list(read_frames(clip))
    else:
        sizes = [frame.image.shape[:2] for frame in read_frames(clip)]
        assert (len(sizes), *set(sizes)) == expected
