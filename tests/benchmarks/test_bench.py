"""The benchmark `make bench`: every row is there, its answers are compared, its goals judged by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench import __main__ as bench
from benchmarks.bench import poses, preparation, storage
from benchmarks.bench.peers import EDGE, render_plain
from benchmarks.bench.race import AnswersDifferError, Row, Rows, Scale, Skipped, race, same
from benchmarks.bench.rendering import agree
from benchmarks.bench.report import line, markdown
from camfuse.geometry import rescale_points
from camfuse.prep.heatmaps import render

COUNTS = {"rendering": 4, "storage": 7, "loading": 4, "network": 5, "preparation": 3, "poses": 2}
"""Rows by subject; two and one of the last two need real videos."""
SLOW = ("loading",)
"""Starts loader processes."""
ROW = Row("storage", "a read", "ms", 2.0, 20.0, "gzip", "0", bound=1.0, bound_is="memset", least=9, short="because")


def test_every_subject_is_counted_here() -> None:
    assert list(COUNTS) == list(bench.SUBJECTS)


@pytest.mark.parametrize(
    "subject", [pytest.param(name, marks=pytest.mark.torture if name in SLOW else ()) for name in COUNTS]
)
def test_every_row_is_printed_and_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str], subject: str) -> None:
    assert bench.main(["--quick", "--only", subject, "--output", str(tmp_path / "bench.md")]) == 0
    printed, stored = capsys.readouterr().out, json.loads((tmp_path / "bench.json").read_text())
    text = (tmp_path / "bench.md").read_text()
    assert [row["subject"] for row in stored["rows"]] == [subject] * COUNTS[subject]
    assert stored["wrong"] == []
    for row in stored["rows"]:
        assert f"{subject}: {row['what']}: " in printed
        assert row["what"] in text
        if "holds" in row and not row["holds"]:
            assert row["short"], row["what"]


def test_a_row_is_judged_by_its_goals() -> None:
    assert ROW.ratio == 10 and ROW.holds and ROW.goal == "9 times"
    assert line(ROW) == "storage: a read: 2 ms, gzip 20: 10 times; memset 1; goal 9 times: holds"
    slow = Row("storage", "a read", "ms", 2.5, 20.0, "gzip", "0", least=9, most=2, short="because")
    assert not slow.holds and slow.goal == "9 times, at most 2 ms"
    text = markdown([ROW, slow, Skipped("poses", "HRNet", "takes long")], ["maps: far apart"], 3.2, "load 1")
    assert "| a read | 2 ms | 20 | gzip | 10 | 1 (memset) | 9 times | yes |" in text
    assert "| a read | 2.5 ms | 20 | gzip | 8 |  | 9 times, at most 2 ms | no |" in text
    assert "## Goals that are not reached\n\n- a read: because\n" in text
    assert "- HRNet: takes long" in text and "- maps: far apart" in text


def test_answers_that_differ_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def rows(_scale: Scale) -> Rows:
        yield ROW
        same("maps", np.zeros(2), np.array([0.0, 0.1]), 0.01)
        yield ROW

    monkeypatch.setattr(bench, "SUBJECTS", {"storage": rows})
    assert bench.main(["--only", "storage", "--output", str(tmp_path / "bench.md")]) == 1
    assert "ERROR maps: expected answers within 0.01 of the peer's, found 0.1 apart" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "bench.json").read_text())["rows"]) == 1
    with pytest.raises(AnswersDifferError, match="expected \\(3,\\), found \\(2,\\)"):
        same("maps", np.zeros(2), np.zeros(3), 1)


def test_the_plain_renderer_ends_at_most_a_pixel_later() -> None:
    points = np.array([[[10.3, 20.6, 0.8], [0.2, 63.0, 0.5], [-9.0, 5.0, 1.0], [3.0, 3.0, 0.0]]], np.float32)
    theirs = render_plain(points, 64, 2.0)
    assert theirs[0, 0].max() == pytest.approx(0.8 * np.exp(-(0.3**2 + 0.4**2) / 8), rel=1e-5)
    assert not theirs[0, 3].any()
    for dtype in (np.float32, np.uint8):
        ours = render(rescale_points(points, 4), 64, 2.0, dtype=dtype)
        agree("maps", ours, theirs)
    assert theirs[ours == 0].max() <= EDGE + 1 / 510
    with pytest.raises(AnswersDifferError):
        agree("maps", np.roll(ours, 1, axis=2), theirs)


def test_what_takes_longer_costs_more(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).random(50_000)
    found = race(
        {"one": lambda: np.sort(numbers), "ten": lambda: [np.sort(numbers) for _ in range(10)]},
        Scale(3, False, tmp_path),
    )
    assert 3 < found["ten"] / found["one"] < 30


def test_a_frame_too_few_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = preparation.ffmpeg_jpegs
    monkeypatch.setattr(preparation, "ffmpeg_jpegs", lambda video, folder: files(video, folder)[:-1])
    with pytest.raises(AnswersDifferError, match="expected 5 frames, found 6"):
        list(preparation.rows(Scale(1, True, tmp_path)))


@pytest.mark.torture
def test_poses_are_real_peoples(tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("mediapipe")
    row, _ = poses.rows(Scale(1, True, tmp_path, shared_data))
    assert isinstance(row, Row) and row.ours > 0


def test_a_shard_of_keypoints_is_small(tmp_path: Path) -> None:
    clips = [{"keypoints": np.zeros((60, 133, 3), np.float32)} for _ in range(4)]
    assert storage.write_shard(tmp_path / "a.h5", clips).stat().st_size < 4 * 120_000
