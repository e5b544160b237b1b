"""One person's camera on the page: frames in, skeleton and answers out, and nothing kept of it."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image as PilImage

from camfuse.errors import ClipError
from camfuse.jpeg import decode_jpeg
from camfuse.predict.camera import CameraFrame
from camfuse.predict.live import LiveRecogniser, LiveSign
from camfuse.prep.arrays import Floats, Image
from camfuse.serve.limits import Limits
from camfuse.serve.work import Chosen, sign_values
from camfuse.show.draw import COLOURS
from camfuse.skeleton import BONES, LOWER_BODY

DRAWN = ("body", "left_hand", "right_hand")
"""Parts of the skeleton that the page draws over the camera's image."""


class LiveSession:
    """A model and an estimator of its own for one camera, so that nobody's frames meet another's. Only for one thread.

    Parameters
    ----------
    chosen
        The model.
    limits
        What a frame may be.
    """

    def __init__(self, chosen: Chosen, limits: Limits) -> None:
        self._limits = limits
        self._model = chosen.load()
        self._live = LiveRecogniser(self._model).__enter__()

    def close(self) -> None:
        """Free the estimator."""
        self._live.__exit__(None, None, None)
        self._model.close()

    def see(self, jpeg: bytes, time: float) -> dict[str, Any]:
        """Look at the next frame, `time` seconds after the first; return the skeleton and the answers that are ready.

        Raises
        ------
        CamfuseError
            If it is no JPEG image, larger than the limits allow, or of another size than the frames before.
        """
        image = read_frame(jpeg, self._limits)
        signs = self._live.see(CameraFrame(image, time))
        height, width = image.shape[:2]
        return {"signs": _shown(signs), "points": _places(self._live.keypoints, height, width)}

    def finish(self) -> dict[str, Any]:
        """Return the answers that are still to come."""
        return {"signs": _shown(self._live.finish()), "points": []}


def read_frame(jpeg: bytes, limits: Limits) -> Image:
    """Decode a frame, its size looked at first.

    Raises
    ------
    ClipError
        If it is no JPEG image, or larger than the limits allow.
    """
    try:
        with PilImage.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
            width, height = opened.size
    except (OSError, ValueError, SyntaxError) as error:
        raise ClipError("camera", "expected frames as JPEG, found something else") from error
    if width * height > limits.pixels:
        raise ClipError("camera", f"expected frames of at most {limits.pixels} pixels, found {width} x {height}")
    return decode_jpeg(jpeg, "a frame of the camera")


def bones() -> list[dict[str, Any]]:
    """Return what the page draws: pairs of points, and their colour."""
    return [
        {
            "colour": "rgb({}, {}, {})".format(*COLOURS[part]),
            "pairs": [pair for pair in BONES[part] if not {*pair} & {*LOWER_BODY}],
        }
        for part in DRAWN
    ]


def _shown(signs: Iterable[LiveSign]) -> list[dict[str, Any]]:
    return [sign_values(one.sign) | {"number": one.number, "delay": one.delay} for one in signs]


def _places(keypoints: Floats, height: int, width: int) -> list[list[float] | None]:
    """Return where each point is as shares of width and height; None where it is not seen."""
    seen = np.isfinite(keypoints).all(1) & (keypoints[:, 2] > 0)
    shares = (keypoints[:, :2] + 0.5) / (width, height)
    return [
        [round(float(x), 4), round(float(y), 4)] if there else None for (x, y), there in zip(shares, seen, strict=True)
    ]
