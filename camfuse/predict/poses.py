"""Keypoints and heatmaps of one video, for use from Python: by the same functions as the stages."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from camfuse.config import Config, Crops, parse_config
from camfuse.geometry import transform_points
from camfuse.predict.estimator import check_estimator, with_estimator
from camfuse.predict.recognise import clip_of
from camfuse.prep.crops import crop_affine, dropped_keypoints, zero_keypoints
from camfuse.prep.frames import read_clip
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.prep.heatmaps import STRIDE, render
from camfuse.prep.pose.run import estimate_clip, make_estimator
from camfuse.skeleton import BODY, FACE, LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND

if TYPE_CHECKING:
    import pandas as pd

_GROUPS = {"body": BODY, "face": FACE, "left hand": LEFT_HAND, "right hand": RIGHT_HAND}


@dataclass(frozen=True)
class VideoPoses:
    """The signer's keypoints in every frame of a video.

    Attributes
    ----------
    video
        The file.
    keypoints
        (T, 133, 3) float32: x, y in pixels of the frame (0 = centre of the first pixel), score; NaN, NaN, 0 where not
        seen.
    time
        (T,) seconds from the first frame of the video.
    height, width
        Size of the frames in pixels.
    fps
        Average frames per second.
    """

    video: str
    keypoints: NDArray[np.float32]
    time: NDArray[np.float64]
    height: int
    width: int
    fps: float

    def __len__(self) -> int:
        """Return the number of frames T."""
        return len(self.keypoints)

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row per frame and keypoint: frame, time, keypoint, x, y, score."""
        import pandas as pd

        frame, keypoint = (axis.ravel() for axis in np.indices(self.keypoints.shape[:2]))
        x, y, score = self.keypoints.reshape(-1, 3).T
        columns = {"frame": frame, "time": self.time[frame], "keypoint": keypoint, "x": x, "y": y, "score": score}
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        """Say in one line what was seen."""
        seen = ", ".join(f"{name} {share:.0%}" for name, share in self._seen().items())
        return f"VideoPoses({self.video}: {len(self)} frames, {self.width}x{self.height}, {self.fps:.4g} fps; {seen})"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{name}</td><td>{share:.0%}</td></tr>" for name, share in self._seen().items())
        facts = f"{len(self)} frames · {self.width} x {self.height} · {self.fps:.4g} fps"
        return f"<div><b>{escape(self.video)}</b> · {facts}<table><caption>seen in</caption>{rows}</table></div>"

    def _seen(self) -> dict[str, float]:
        """Return the share of the frames in which any point of a group is seen."""
        seen = self.keypoints[..., 2] > 0
        return {name: float(seen[:, list(members)].any(1).mean()) for name, members in _GROUPS.items()}


@dataclass(frozen=True)
class Heatmaps:
    """One Gaussian per keypoint and frame, around the signer; `numpy.asarray` gives the volume.

    Attributes
    ----------
    volume
        (T, 133, Q, Q) uint8, 255 for a score of 1.
    keypoints
        (T, 133, 3) in pixels of the crop, four to a heatmap pixel; of zoomed hands, too, where they lie in the crop.
    affine
        (2, 3) from pixels of the frame to pixels of the crop.
    """

    volume: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    affine: NDArray[np.float64]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the volume."""
        return np.array(self.volume, dtype) if copy or dtype else self.volume

    def to_pandas(self) -> "pd.DataFrame":
        """Return a row per frame and keypoint: frame, keypoint, x and y of the peak in heatmap pixels, its value."""
        import pandas as pd

        frames, keypoints, rows, columns = self.volume.shape
        flat = self.volume.reshape(frames * keypoints, rows * columns)
        frame, keypoint = (axis.ravel() for axis in np.indices((frames, keypoints)))
        y, x = np.divmod(flat.argmax(1), columns)
        return pd.DataFrame({"frame": frame, "keypoint": keypoint, "x": x, "y": y, "peak": flat.max(1)})

    def __repr__(self) -> str:
        """Say in one line what it is."""
        return f"Heatmaps({self.volume.shape}, uint8)"

    def _repr_html_(self) -> str:
        middle = self.volume[len(self.volume) // 2].max(axis=0)
        done, png = cv2.imencode(".png", cv2.resize(middle, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST))
        image = base64.b64encode(png.tobytes()).decode() if done else ""
        shape = " x ".join(map(str, self.volume.shape))
        return f"<div><b>Heatmaps</b> {shape}, the middle frame:<br><img src='data:image/png;base64,{image}'></div>"


def estimate_pose(
    video: str | Path, estimator: str = "mediapipe", *, start: float = 0.0, end: float = float("inf")
) -> VideoPoses:
    """Estimate the signer's 133 whole-body keypoints in every frame of a video.

    Parameters
    ----------
    video
        The file.
    estimator
        mediapipe, mmpose or rtmlib, with its default settings.
    start, end
        The part to look at, in seconds.

    Returns
    -------
    VideoPoses
        In pixels of the frame.

    Raises
    ------
    ConfigError
        If the estimator is unknown.
    MissingToolError
        If the estimator needs what is not installed.
    ClipError
        If the video cannot be decoded.
    """
    config = with_estimator(_any_config(), estimator, other=True)
    check_estimator(config)
    clip = clip_of(Path(video), start, end)
    frames = read_clip(clip, config.frames.quality)
    with make_estimator(config) as running:
        keypoints = estimate_clip(running, clip, frames).keypoints
    return VideoPoses(str(video), keypoints, frames.time, frames.height, frames.width, frames.fps)


def render_heatmaps(
    keypoints: VideoPoses | ArrayLike,
    *,
    height: int | None = None,
    width: int | None = None,
    crop: int = 256,
    sigma: float | None = None,
    hands: Literal["zoomed"] | None = None,
) -> Heatmaps:
    """Render keypoints as heatmaps around the signer, as the stages do.

    Parameters
    ----------
    keypoints
        What `estimate_pose` gives, or (T, 133, 3) x, y in pixels of a frame and score.
    height, width
        Of the frame in pixels; needed where `keypoints` is an array.
    crop
        Side of the square around the signer in pixels, a multiple of 4; a heatmap has a quarter of it.
    sigma
        Of the Gaussians, in heatmap pixels; left out, the config's default.
    hands
        As `heatmaps.hands` of a config: ``"zoomed"`` draws each hand about its own middle and larger.

    Returns
    -------
    Heatmaps
        With the volume (T, 133, crop / 4, crop / 4) uint8.

    Raises
    ------
    ValueError
        If the shape is another, the size of the frame is not given, nobody is seen, or `hands` is another word.
    """
    if hands not in (None, "zoomed"):
        raise ValueError(f"expected hands='zoomed' or None, found {hands!r}")
    if isinstance(keypoints, VideoPoses):
        height, width, points = keypoints.height, keypoints.width, keypoints.keypoints
    else:
        points = np.asarray(keypoints, np.float32)
    if height is None or width is None:
        raise ValueError("expected height and width of the frame in pixels beside an array of keypoints, found none")
    if points.ndim != 3 or points.shape[1:] != (NUM_KEYPOINTS, 3):
        raise ValueError(f"expected keypoints (T, {NUM_KEYPOINTS}, 3), found {points.shape}")
    crops = Crops(size=crop)
    kept = zero_keypoints(points, dropped_keypoints(crops))
    affine = crop_affine(kept, height, width, size=crop, padding=crops.padding, min_score=crops.min_score)
    moved = zero_keypoints(transform_points(kept, affine), dropped_keypoints(crops)).astype(np.float32)
    spread = _any_config().heatmaps.sigma if sigma is None else sigma
    drawn = zoom_hands(moved, crop, hand_zoom(moved, crop)) if hands == "zoomed" else moved
    return Heatmaps(render(drawn, crop // STRIDE, spread), moved, affine)


def _any_config() -> Config:
    """Return the default settings; the clips that a config needs too are not looked at."""
    return parse_config({"clips": {"folder": {"videos": "."}}, "pose": {"mediapipe": {}}})
