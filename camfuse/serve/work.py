"""The work behind the page: one upload at a time, and nothing kept of it."""

import base64
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from camfuse.errors import CamfuseError, ClipError
from camfuse.predict.answer import Sign, VideoAnswer
from camfuse.predict.network import EXPORTED, Device, find_model
from camfuse.predict.recognise import Observed, TrainedModel, clip_of
from camfuse.predict.spans import Span, find_spans
from camfuse.prep.crops import crop_clip
from camfuse.prep.heatmaps import STRIDE, drawn_keypoints, render
from camfuse.serve.limits import Limits, check_video
from camfuse.show.answered import save_answered
from camfuse.show.clip_images import ClipImages
from camfuse.show.clip_view import ClipView
from camfuse.show.draw import Image

COLUMNS, TILE = 6, 144
"""Of the sheet of a sign: frames, and their width in pixels."""
DRAWN = 320
"""Height of the drawn video in pixels."""


@dataclass(frozen=True)
class Chosen:
    """The model of the page, and how it is opened."""

    model: Path
    estimator: str | None = None
    other_estimator: bool = False
    device: Device = "auto"

    def load(self) -> TrainedModel:
        """Open it; raises as `camfuse.load`."""
        return TrainedModel.load(
            self.model, estimator=self.estimator, other_estimator=self.other_estimator, device=self.device
        )


class Worker:
    """Answers uploads, and enrolls words. Only ever used in one thread.

    Parameters
    ----------
    chosen
        The model.
    limits
        What an upload may be.
    """

    def __init__(self, chosen: Chosen, limits: Limits) -> None:
        self.chosen = chosen
        self._limits = limits
        self._model = chosen.load()

    def close(self) -> None:
        """Free the estimator."""
        self._model.close()

    def facts(self) -> dict[str, Any]:
        """Return what the page says of the model."""
        facts = self._model.facts
        return {
            "words": list(self._model.classes),
            "part": facts.part,
            "estimator": self._model.config.pose.key,
            "note": facts.calibration.missing,
            "enroll": find_model(self.chosen.model).suffix.lower() not in EXPORTED,
            "seconds": self._limits.seconds,
            "megabytes": self._limits.megabytes,
        }

    def answer(self, video: Path) -> dict[str, Any]:
        """Answer one upload, with all that the page shows, as plain values.

        Raises
        ------
        CamfuseError
            If it cannot be decoded, shows nobody, or is more than the limits allow.
        """
        check_video(video, self._limits)
        observed = self._model.observe(clip_of(video), _until(time.monotonic() + self._limits.work))
        answer = self._model.answer(observed)
        spans = find_spans(observed.frames, observed.keypoints)  # what the answers rest on
        return {
            "frames": answer.frames,
            "seconds": answer.seconds,
            "signs": [self._shown(observed, span, sign) for span, sign in zip(spans, answer.signs, strict=True)],
            "video": self._drawn(observed, answer),
        }

    def enroll(self, word: str, video: Path) -> dict[str, Any]:
        """Add a word by one upload; return the facts as they are then.

        Raises
        ------
        CamfuseError
            As `answer`, or if the word is one of the model's own.
        """
        from camfuse.predict.enroll import enroll

        check_video(video, self._limits)
        chosen = self.chosen
        options = {"estimator": chosen.estimator, "other_estimator": chosen.other_estimator}
        enroll(chosen.model, word, [video], device=chosen.device, **options)  # type: ignore[arg-type]
        self._model.close()
        self._model = chosen.load()
        return self.facts()

    def _shown(self, observed: Observed, span: Span, sign: Sign) -> dict[str, Any]:
        return sign_values(sign) | {
            "sheet": self._sheet(observed, span, sign),
            "attention": self._attention(observed, span),
        }

    def _sheet(self, observed: Observed, span: Span, sign: Sign) -> str | None:
        """Draw frames with skeleton and box, crops and heatmaps of a sign."""
        config = self._model.config
        frames, keypoints = observed.part(span)
        try:
            crops = crop_clip("upload", frames, keypoints, config.crops)
        except CamfuseError:
            return None  # a model of keypoints alone answers where no crop can be made
        side, sigma = config.crops.size // STRIDE, config.heatmaps.sigma
        drawn = drawn_keypoints(crops.keypoints, config)
        view = ClipView(
            "upload", sign.label or "no known sign", frames, keypoints, crops,
            lambda t: render(drawn[t : t + 1], side, sigma)[0],
        )  # fmt: skip
        return _jpeg_url(ClipImages(view, config).sheet(COLUMNS, TILE))

    def _attention(self, observed: Observed, span: Span) -> str | None:
        """Draw where the streams look; None for a model that has no attention, or no torch behind it."""
        if find_model(self.chosen.model).suffix.lower() in EXPORTED:
            return None
        from camfuse.serve.attention import draw_looks

        drawn = draw_looks(self._model, self._model.inputs(observed.clip.clip_id, *observed.part(span)))
        return None if drawn is None else _jpeg_url(drawn)

    def _drawn(self, observed: Observed, answer: VideoAnswer) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "drawn.mp4"
            save_answered(observed, answer, self._model.config.crops, path, highest=DRAWN)
            return f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"


def sign_values(sign: Sign) -> dict[str, Any]:
    """Return a sign's answer as plain values."""
    return {
        "start": sign.start,
        "end": sign.end,
        "known": sign.known,
        "top": [{"label": label, "probability": probability} for label, probability in sign.top()],
    }


def _until(end: float) -> Callable[[int], None]:
    def check(count: int) -> None:
        if time.monotonic() > end:
            raise ClipError("upload", "took too long to look at: give a shorter or smaller video")

    return check


def _jpeg_url(image: Image) -> str:
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise CamfuseError("an image of the answer cannot be written as JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(coded.tobytes()).decode()}"
