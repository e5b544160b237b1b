"""COCO-WholeBody: the 133 keypoints, their groups, mirror partners and bones. Constants only.

Left and right are the signer's. Source: jin-s13/COCO-WholeBody; the numbering is that of
open-mmlab/mmpose ``configs/_base_/datasets/coco_wholebody.py``.
"""

from collections.abc import Iterable
from itertools import pairwise

NUM_KEYPOINTS = 133

BODY = tuple(range(17))
FEET = tuple(range(17, 23))
FACE = tuple(range(23, 91))
LEFT_HAND = tuple(range(91, 112))
RIGHT_HAND = tuple(range(112, 133))
LOWER_BODY = tuple(range(11, 23))
"""Hips, knees, ankles and feet: the twelve points that mmpose itself tags as lower."""

_BODY_NAMES = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle"
).split()
_FEET_NAMES = ("left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel").split()
_HAND_NAMES = ["root"] + [
    f"{finger}{joint}" for finger in ("thumb", "index", "middle", "ring", "little") for joint in range(1, 5)
]

KEYPOINT_NAMES: tuple[str, ...] = (
    *_BODY_NAMES,
    *_FEET_NAMES,
    *(f"face_{i}" for i in range(68)),
    *(f"left_hand_{name}" for name in _HAND_NAMES),
    *(f"right_hand_{name}" for name in _HAND_NAMES),
)

MIRROR_PAIRS: tuple[tuple[int, int], ...] = (
    *((i, i + 1) for i in range(1, 16, 2)),
    *((17 + i, 20 + i) for i in range(3)),
    *((23 + i, 39 - i) for i in range(8)),
    *((40 + i, 49 - i) for i in range(5)),
    *((54 + i, 58 - i) for i in range(2)),
    *((59, 68), (60, 67), (61, 66), (62, 65), (63, 70), (64, 69)),
    *((71 + i, 77 - i) for i in range(3)),
    *((78 + i, 82 - i) for i in range(2)),
    *((83 + i, 87 - i) for i in range(2)),
    (88, 90),
    *((91 + i, 112 + i) for i in range(21)),
)


def _mirror_order(pairs: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    order = list(range(NUM_KEYPOINTS))
    for left, right in pairs:
        order[left], order[right] = right, left
    return tuple(order)


MIRROR: tuple[int, ...] = _mirror_order(MIRROR_PAIRS)
"""``keypoints[..., MIRROR, :]`` swaps the sides; applying it twice changes nothing."""


def _chain(points: Iterable[int], *, closed: bool = False) -> tuple[tuple[int, int], ...]:
    order = list(points)
    bones = list(pairwise(order))
    return tuple([*bones, (order[-1], order[0])] if closed else bones)


def _hand(root: int) -> tuple[tuple[int, int], ...]:
    fingers = (_chain([root, *range(root + 1 + 4 * f, root + 5 + 4 * f)]) for f in range(5))
    return tuple(bone for finger in fingers for bone in finger)


BONES: dict[str, tuple[tuple[int, int], ...]] = {
    "body": (
        (0, 1), (0, 2), (1, 3), (2, 4), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
        (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    ),
    "feet": ((15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22)),
    "face": (
        *_chain(range(23, 40)),
        *_chain(range(40, 45)),
        *_chain(range(45, 50)),
        *_chain(range(50, 54)),
        *_chain(range(54, 59)),
        *_chain(range(59, 65), closed=True),
        *_chain(range(65, 71), closed=True),
        *_chain(range(71, 83), closed=True),
        *_chain(range(83, 91), closed=True),
    ),
    "left_hand": _hand(91),
    "right_hand": _hand(112),
}  # fmt: skip
"""Pairs of keypoints to draw a line between, by group."""
