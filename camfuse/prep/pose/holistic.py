"""MediaPipe Holistic's landmarks as COCO-WholeBody 133; shared by the estimators `mediapipe` and `annotations`.

The mapping was checked by eye on real images. Face numbers are those of the 468-point mesh (478 with irises).
"""

import numpy as np
from numpy.typing import NDArray

from camfuse.geometry import hide_points, unseen_points
from camfuse.skeleton import FACE, FEET, LEFT_HAND, NUM_KEYPOINTS, RIGHT_HAND

Array = NDArray[np.float32]

BODY_POINTS = 33
HAND_POINTS = 21
MESH_POINTS = (468, 478)

BODY_FROM_POSE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""BlazePose landmark of each of the keypoints 0-16."""
FEET_FROM_POSE = (31, 31, 29, 32, 32, 30)
"""BlazePose landmark of each of the keypoints 17-22; it knows one toe point a foot, which serves for both toes."""
FACE_FROM_MESH = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),  # jaw
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # right brow, left brow
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # right eye, left eye
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # outer lips
    *(78, 82, 13, 312, 308, 317, 14, 87),  # inner lips
)
"""Mesh landmark of each of the keypoints 23-90."""
NOSE_EYES_FROM_MESH = ((4,), (473,), (468,))
"""Mesh landmarks of nose, left and right eye (irises), better by up to 20 px than the body model's."""
NOSE_EYES_WITHOUT_IRIS = ((4,), (362, 263), (33, 133))
"""The same for the 468-point mesh: an eye is the middle of its corners."""


def to_wholebody(body: Array, face: Array | None, left: Array | None, right: Array | None) -> Array:
    """Map landmarks to the 133 keypoints.

    Parameters
    ----------
    body
        BlazePose landmarks (T, 33, D): x, y in pixels first, the score last (D is 3, or 4 with a depth).
    face
        Face mesh (T, 468 or 478, D), or None where no face was looked for.
    left, right
        The signer's hands (T, 21, D), or None.

    Returns
    -------
    array
        Keypoints (T, 133, 3): x, y, score in the same pixels. What has score 0, or no finite place, is NaN, NaN, 0.
    """
    keypoints = unseen_points(len(body), NUM_KEYPOINTS)
    body = _seen(body, (BODY_POINTS,), "body")
    keypoints[:, : FEET[0]] = body[:, BODY_FROM_POSE]
    keypoints[:, FEET] = body[:, FEET_FROM_POSE]
    if face is not None:
        mesh = _seen(face, MESH_POINTS, "face")
        keypoints[:, FACE] = mesh[:, FACE_FROM_MESH]
        sources = NOSE_EYES_FROM_MESH if mesh.shape[1] == MESH_POINTS[1] else NOSE_EYES_WITHOUT_IRIS
        for keypoint, source in enumerate(sources):
            middle = mesh[:, source].mean(1)  # NaN where any of them was not seen
            found = np.isfinite(middle[:, 0])
            keypoints[found, keypoint] = middle[found]
    for hand, slots, name in ((left, LEFT_HAND, "left hand"), (right, RIGHT_HAND, "right hand")):
        if hand is not None:
            keypoints[:, slots] = _seen(hand, (HAND_POINTS,), name)
    return keypoints


def _seen(points: Array, counts: tuple[int, ...], name: str) -> Array:
    """Return x, y, score (T, N, 3), with NaN, NaN, 0 for what was not seen."""
    if points.ndim != 3 or points.shape[1] not in counts or points.shape[2] not in (3, 4):
        expected = " or ".join(map(str, counts))
        raise ValueError(f"{name}: expected (T, {expected}, 3 or 4), found {points.shape}")
    picked = points[..., [0, 1, -1]].astype(np.float32)
    unseen = ~(picked[..., 2] > 0) | ~np.isfinite(picked).all(-1)
    return hide_points(picked, unseen)
