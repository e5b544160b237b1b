"""An estimator that dies, hangs or fails costs its clip; a bug and what is missing are said as without a process."""

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Self

import numpy as np
import psutil
import pytest

from camfuse.clips.table import Clip
from camfuse.errors import ClipError, MissingToolError
from camfuse.jpeg import encode_jpeg
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.estimator import Estimator, Poses, missing_poses
from camfuse.prep.pose.supervised import Supervised

PATIENCE = 1.0
log = logging.getLogger("camfuse.test")
IMAGE = encode_jpeg(np.zeros((8, 8, 3), np.uint8), 90)


class Troubled:
    """Does what the clip's id says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        (self.folder / "left").touch()

    def provenance(self) -> Mapping[str, object]:
        return {"estimator": "troubled"}

    def estimate(self, clip: Clip, frames: ClipFrames) -> Poses:
        log.info("looking at %s", clip.clip_id)
        match clip.clip_id:
            case "bad":
                raise ClipError("bad", "it is bad")
            case "bug":
                raise ZeroDivisionError("a bug")
            case "hangs":
                time.sleep(60)
            case "dies":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "dies once" if not (self.folder / "died").exists():
                (self.folder / "died").touch()
                os._exit(3)
            case "slow":
                for _ in frames:
                    time.sleep(PATIENCE / 3)
        return missing_poses(len(frames))


def clip(name: str) -> Clip:
    return Clip(name, Path("a.mp4"), 0.0, float("inf"), None, "i")


def frames(count: int = 2) -> ClipFrames:
    return ClipFrames([IMAGE] * count, np.arange(count) / 25, 8, 8, 25)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], Estimator]:
    return partial(Troubled, tmp_path)


def test_a_clip_goes_through_and_the_estimator_is_left(make: Callable[[], Estimator], tmp_path: Path) -> None:
    with Supervised(make, PATIENCE) as estimator:
        assert estimator.provenance() == {"estimator": "troubled"}
        assert len(estimator.estimate(clip("good"), frames(3)).keypoints) == 3
        with pytest.raises(ClipError, match="it is bad") as caught:
            estimator.estimate(clip("bad"), frames())
        assert (caught.value.clip_id, caught.value.reason) == ("bad", "it is bad")
    assert (tmp_path / "left").exists()
    assert not active_children()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dies", "was ended by SIGSEGV, 2 times"),
        ("hangs", r"gave nothing for 1 s and was ended \(machine\.patience"),
    ],
)
def test_what_dies_or_hangs_costs_its_clip(make: Callable[[], Estimator], name: str, reason: str) -> None:
    with Supervised(make, PATIENCE) as estimator:
        with pytest.raises(ClipError, match=reason):
            estimator.estimate(clip(name), frames())
        assert len(estimator.estimate(clip("good"), frames()).keypoints) == 2
    assert not active_children()


def test_what_it_logs_is_logged(make: Callable[[], Estimator], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "camfuse"), Supervised(make, PATIENCE) as estimator:
        estimator.estimate(clip("good"), frames())
    assert "looking at good" in caplog.messages


def test_a_process_that_dies_once_costs_nothing(make: Callable[[], Estimator]) -> None:
    with Supervised(make, PATIENCE) as estimator:
        assert len(estimator.estimate(clip("dies once"), frames()).keypoints) == 2


def test_one_that_stands_still_before_its_clip_is_ended(make: Callable[[], Estimator]) -> None:
    with Supervised(make, PATIENCE) as estimator:
        (process,) = active_children()
        psutil.Process(process.pid).suspend()
        images = [IMAGE + b"%d" % number for number in range(1000)]  # more than a pipe holds
        many = ClipFrames(images, np.arange(1000) / 25, 8, 8, 25)
        assert len(estimator.estimate(clip("good"), many).keypoints) == 1000


def test_a_long_clip_has_as_much_time_as_it_has_frames(make: Callable[[], Estimator]) -> None:
    with Supervised(make, PATIENCE) as estimator:
        assert len(estimator.estimate(clip("slow"), frames(4)).keypoints) == 4


def test_a_bug_ends_the_stage_with_its_traceback(make: Callable[[], Estimator]) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug"), Supervised(make, PATIENCE) as estimator:
        estimator.estimate(clip("bug"), frames())


def lacks_a_package() -> Estimator:
    raise MissingToolError("expected a package")


def dies() -> Estimator:
    os._exit(4)


def fills_the_disk() -> Estimator:
    raise OSError(28, "No space left on device", "network.onnx")


@pytest.mark.parametrize(
    ("make", "kind", "reason"),
    [
        (lacks_a_package, MissingToolError, "^expected a package$"),
        (dies, MissingToolError, "ended with code 4 before its first clip"),
        (fills_the_disk, OSError, "network.onnx"),
    ],
)
def test_what_cannot_be_made_ends_the_stage(make: Callable[[], Estimator], kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind, match=reason), Supervised(make, PATIENCE):
        pass


def test_it_ends_with_the_stage(tmp_path: Path) -> None:
    stage = os.fork()
    if stage == 0:
        with Supervised(partial(Troubled, tmp_path), 60) as estimator:
            (tmp_path / "pid").write_text(str(active_children()[0].pid))
            estimator.estimate(clip("hangs"), frames())
    while not (tmp_path / "pid").exists() or not (pid := (tmp_path / "pid").read_text()):
        time.sleep(0.01)
    os.kill(stage, signal.SIGKILL)
    os.waitpid(stage, 0)
    end = time.monotonic() + 10
    while psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "the estimator goes on without its stage"
        time.sleep(0.05)
