"""From a video to an answer: one trained model, one estimator, any number of videos."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from camfuse.clips.table import Clip
from camfuse.config import Config
from camfuse.config.estimators import AnnotationsPose, names_keypoints
from camfuse.data.inputs import Inputs, clip_inputs, needs_crops
from camfuse.errors import ClipError
from camfuse.predict.answer import Sign, VideoAnswer
from camfuse.predict.estimator import check_estimator, with_estimator
from camfuse.predict.facts import ModelFacts
from camfuse.predict.network import Device, Network, open_network
from camfuse.predict.spans import Span, find_spans, whole_video
from camfuse.prep.arrays import ClipFrames, Floats, Image
from camfuse.prep.blank import blank_frames
from camfuse.prep.crops import lazy_crops
from camfuse.prep.frames import read_clip
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.prep.pose.annotations.files import KeypointFiles
from camfuse.prep.pose.entry import estimator_entry
from camfuse.prep.pose.estimator import Estimator
from camfuse.prep.pose.run import estimate_clip, make_estimator

Seen = Callable[[int], object]
"""Is told how many frames have been seen, each time some have been."""


@dataclass(frozen=True)
class Observed:
    """A video as the estimator saw it.

    Attributes
    ----------
    clip
        The video.
    frames
        Its T frames.
    keypoints
        (T, 133, 3) in pixels of the frame; NaN, NaN, 0 where not seen.
    """

    clip: Clip
    frames: ClipFrames
    keypoints: Floats

    def part(self, span: Span) -> tuple[ClipFrames, Floats]:
        """Return the frames and keypoints of a sign."""
        shown = slice(span.first, span.stop)
        frames = replace(self.frames, jpeg=self.frames.jpeg[shown], time=self.frames.time[shown])
        return frames, self.keypoints[shown]

    @property
    def seconds(self) -> float:
        """The length, the last frame's own time included."""
        times, rate = self.frames.time, self.frames.fps
        return float(times[-1] - times[0]) + (1 / rate if rate > 0 else 0.0)


@dataclass(frozen=True)
class _CountedFrames(ClipFrames):
    """Frames that say when they are decoded for the first time."""

    seen: Seen = lambda count: None

    def __iter__(self) -> Iterator[Image]:
        for position in range(len(self)):
            yield self[position]
            self.seen(1)


class TrainedModel:
    """A trained model that answers what is signed in a video.

    A context manager: leaving it frees the estimator. Not for several threads at once.

    Parameters
    ----------
    network
        The model.
    estimator
        Key of the estimator that makes the keypoints; left out, the one that the model was trained with;
        ``annotations`` for keypoint files alone.
    other_estimator
        Whether that may be another one than the model was trained with.

    Raises
    ------
    ConfigError
        If the estimator is not one for this model.
    MissingToolError
        If the estimator needs what is not here.
    """

    def __init__(self, network: Network, *, estimator: str | None = None, other_estimator: bool = False) -> None:
        self.network = network
        self.config: Config = with_estimator(network.facts.config, estimator, other=other_estimator)
        check_estimator(self.config)
        self._estimator: Estimator | None = None

    @classmethod
    def load(
        cls,
        model: Path,
        *,
        estimator: str | None = None,
        other_estimator: bool = False,
        device: Device = "auto",
        only_enrolled: bool = False,
    ) -> Self:
        """Open a run's folder or a ``best.ckpt``; raises as `open_network` and the constructor do."""
        network = open_network(model, device, only_enrolled=only_enrolled)
        return cls(network, estimator=estimator, other_estimator=other_estimator)

    @property
    def facts(self) -> ModelFacts:
        """What travels with the model."""
        return self.network.facts

    @property
    def classes(self) -> tuple[str, ...]:
        """The words that the model knows."""
        return self.facts.classes

    def __repr__(self) -> str:
        """Say in one line what it is."""
        streams = "+".join(self.config.model.streams) if self.facts.part == "fusion" else self.facts.part
        return f"TrainedModel({streams}, {len(self.classes)} words, keypoints by {self.config.pose.key})"

    def __enter__(self) -> Self:
        """Do nothing: the estimator is made when the first video comes."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free the estimator."""
        self.close()

    def close(self) -> None:
        """Free the estimator; the next video makes it again."""
        if self._estimator is not None:
            self._estimator.__exit__(None, None, None)
            self._estimator = None

    def predict(
        self, video: str | Path, *, start: float = 0.0, end: float = float("inf"), whole: bool = False
    ) -> VideoAnswer:
        """Say what is signed in a video.

        Parameters
        ----------
        video
            The file; or one of keypoints (``.pose``), for a model without images.
        start, end
            The part to look at, in seconds.
        whole
            Whether it is known to be one sign from its beginning to its end; else the signs are looked for.

        Raises
        ------
        ClipError
            If it cannot be decoded, or nobody is seen in it.
        """
        return self.answer(self.observe(clip_of(Path(video), start, end)), whole=whole)

    def observe(self, clip: Clip, seen: Seen = lambda count: None) -> Observed:
        """Decode a video and estimate the signer's pose in every frame, or read both; raises as `predict`."""
        if names_keypoints(clip.video):
            return self._read(clip)
        if estimator_entry(self.config.pose).from_files:
            with_estimator(self.config)  # says which one to name
        if self._estimator is None:
            self._estimator = make_estimator(self.config).__enter__()
        frames = read_clip(clip, self.config.frames.quality)
        counted = _CountedFrames(frames.jpeg, frames.time, frames.height, frames.width, frames.fps, seen)
        return Observed(clip, frames, estimate_clip(self._estimator, clip, counted).keypoints)

    def _read(self, clip: Clip) -> Observed:
        """Take keypoints in place of a video, with black frames as in a training without videos."""
        if "rgb" in self.config.model.streams_of(self.facts.part):
            raise ClipError(clip.clip_id, f"{clip.video}: expected a video, for the model looks at images too")
        frames = blank_frames(clip, KeypointFiles().read(clip.video, clip), self.config.frames.quality)
        with AnnotationsEstimator(AnnotationsPose()) as estimator:
            named = replace(clip, annotation=clip.video)
            return Observed(clip, frames, estimate_clip(estimator, named, frames).keypoints)

    def answer(self, video: Observed, *, whole: bool = False) -> VideoAnswer:
        """Say what is signed in what was observed; parameters and errors as `predict`."""
        self.check_seen(video)
        spans = [whole_video(video.frames)] if whole else find_spans(video.frames, video.keypoints)
        signs = [self._sign(video, span) for span in spans]
        return VideoAnswer(str(video.clip.video), tuple(signs), len(video.frames), video.seconds)

    def check_seen(self, video: Observed) -> None:
        """Refuse a video that shows nobody, with a ClipError."""
        if not (video.keypoints[..., 2] >= self.config.crops.min_score).any():
            raise ClipError(video.clip.clip_id, f"nobody is seen in any of its {len(video.frames)} frames")

    def _sign(self, video: Observed, span: Span) -> Sign:
        probabilities = self.probabilities(video.clip.clip_id, *video.part(span))
        known = self.facts.calibration.known(probabilities)
        return Sign(span.start, span.end, self.classes, probabilities, known)

    def with_samplings(self, samplings: int) -> Self:
        """Return the same model, which samples each sign so often instead of as in a test."""
        other = copy.copy(self)
        evaluate = self.config.evaluate.model_copy(update={"samplings": samplings})
        other.config = self.config.model_copy(update={"evaluate": evaluate})
        other._estimator = None
        return other

    def probabilities(self, clip_id: str, frames: ClipFrames, keypoints: Floats) -> NDArray[np.float32]:
        """Return the calibrated probabilities (C,) of one sign that fills the frames.

        Parameters
        ----------
        clip_id
            Which frames are drawn depends on it.
        frames
            T frames.
        keypoints
            (T, 133, 3) in pixels of the frames.

        Raises
        ------
        ClipError
            If nobody is seen.
        """
        return self.facts.combined(self.network.probabilities(self.inputs(clip_id, frames, keypoints)))

    def inputs(self, clip_id: str, frames: ClipFrames, keypoints: Floats) -> Inputs:
        """Return what the model is given of one sign; parameters and errors as `probabilities`."""
        config, part = self.config, self.facts.part
        crops = lazy_crops(clip_id, frames, keypoints, config.crops) if needs_crops(config, part) else None
        return clip_inputs(config, part, clip_id, keypoints, crops)


def clip_of(video: Path, start: float = 0.0, end: float = float("inf")) -> Clip:
    """Return a video, or a part of it, as a clip; its id is the file's name without the suffix."""
    name = video.stem.encode(errors="backslashreplace").decode()  # a file's name need not be text
    return Clip(name, video, start, end, None, identity="video")


def load(
    model: str | Path,
    *,
    estimator: str | None = None,
    other_estimator: bool = False,
    device: Device = "auto",
    only_enrolled: bool = False,
) -> TrainedModel:
    """Open a trained model.

    Parameters
    ----------
    model
        A run's folder, a ``best.ckpt``, or a file of `camfuse export`.
    estimator
        mediapipe, mmpose or rtmlib; left out, the one that the model was trained with.
    other_estimator
        Whether that may be another one than the model was trained with, at the cost of wrong answers.
    device
        Where the model runs.
    only_enrolled
        Whether only words that were enrolled are answered, not those that the model was trained on.

    Returns
    -------
    TrainedModel
        ``predict(video)`` answers; a context manager, or close it yourself.

    Raises
    ------
    WeightsError
        If there is no model.
    ConfigError
        If estimator or device are not for it.
    MissingToolError
        If the estimator needs what is not installed.
    """
    return TrainedModel.load(
        Path(model),
        estimator=estimator,
        other_estimator=other_estimator,
        device=device,
        only_enrolled=only_enrolled,
    )
