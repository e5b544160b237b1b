"""Many videos, broken ones among them: every good one is answered, each bad one has its reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from camfuse.errors import CamfuseError, ClipError, MissingToolError
from camfuse.predict.answer import VideoAnswer
from camfuse.predict.recognise import Observed, Seen, TrainedModel, clip_of


@dataclass(frozen=True)
class Outcome:
    """What became of one video.

    Attributes
    ----------
    video
        As it was given.
    answer
        None where there is none.
    observed
        What the estimator saw, for drawing; None where it failed.
    reason
        Why there is no answer, one line; None where there is one.
    """

    video: Path
    answer: VideoAnswer | None
    observed: Observed | None
    reason: str | None


def predict_many(
    model: TrainedModel, videos: Iterable[Path], *, whole: bool = False, progress: bool = True
) -> Iterator[Outcome]:
    """Answer the videos one by one, as they are done.

    Parameters
    ----------
    model
        The model.
    videos
        The files.
    whole
        Whether each is one sign from its beginning to its end.
    progress
        Whether a bar on stderr says how many frames a second are seen.

    Raises
    ------
    MissingToolError
        If a program or package is missing, which no other video would change.
    """
    listed = list(videos)
    with tqdm(desc="predict", unit=" frames", mininterval=0.5, disable=not progress) as bar:
        for number, video in enumerate(listed, start=1):
            bar.set_postfix_str(f"video {number} of {len(listed)}: {video.name}", refresh=False)
            outcome = _outcome(model, video, bar.update, whole)
            bar.clear()  # the answer may be written to the same line
            yield outcome


def _outcome(model: TrainedModel, video: Path, seen: Seen, whole: bool) -> Outcome:
    try:
        observed = model.observe(clip_of(video), seen)
        return Outcome(video, model.answer(observed, whole=whole), observed, None)
    except MissingToolError:
        raise
    except ClipError as error:
        return Outcome(video, None, None, _one_line(error.reason))
    # whatever a broken file makes the libraries below trip over must not cost the other videos
    except (CamfuseError, OSError, ArithmeticError, LookupError, RuntimeError, ValueError, MemoryError) as error:
        return Outcome(video, None, None, _one_line(f"{type(error).__name__}: {error}"))
    except cv2.error as error:
        return Outcome(video, None, None, _one_line(f"OpenCV: {error}"))


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
