"""Use a model of `camfuse export` that reads keypoints as a sequence, without CAMFuse (numpy, onnxruntime).

python use_exported_sequence.py model.onnx keypoints.npy

Keypoints are (T, 133, 3) of one sign: COCO whole-body x, y in any pixels, and score.
"""

import json
import sys
from itertools import pairwise

import numpy as np
import onnxruntime

POINTS = [*range(11), 31, 42, 47, 71, 74, 77, 80, *range(91, 133)]  # body, face, left hand, right hand
FIRST = [4, 4, 4, 4, 8, 12, 16, 0, 0, 0, 0, 0]  # points of a hand whose distances are read: thumb to index finger, ...
OTHER = [8, 12, 16, 20, 12, 16, 20, 8, 12, 16, 20, 4]


def channels(keypoints, facts):
    """Return what the network reads of one sign, (1, 330, moments)."""
    moments = facts["config"]["model"]["sequence"]["frames"]
    points = np.where(keypoints[:, POINTS, 2:] > 0, keypoints[:, POINTS, :2], np.nan).astype(float)
    left, right = points[:, 5], points[:, 6]  # shoulders: their middle is the origin, their distance the unit
    unit = np.nanmedian(np.linalg.norm(left - right, axis=1))
    points = filled((points - np.nanmedian((left + right) / 2, axis=0)) / unit)
    points = cut(points, np.isfinite(points[:, 18:]).any((1, 2)))  # from the first to the last sight of a hand
    wrists = np.where(np.isfinite(points[:, [9, 10]]), points[:, [9, 10]], points[:, [18, 39]])
    height = -np.fmin(*wrists[..., 1].T)  # of the higher one; where it rests is cut off
    low, high = np.nanpercentile(height, (2, 95))
    if high - low >= 0.5:
        points = cut(points, height > low + 0.35 * (high - low))
    body, face, *hands = np.split(at_moments(points, moments), [11, 18, 39], axis=1)
    read = [moving(flat(body)), moving(flat(face - body[:, :1]) * 2)]
    for hand in (hands[0] * (-1, 1), hands[1]):  # the left one mirrored
        shape = hand - hand[:, :1]
        palm = np.linalg.norm(shape[:, 5:18:4], axis=2).max(1)
        shape = shape / (palm[np.isfinite(palm)].mean() if np.isfinite(palm).any() else 1)
        apart = np.linalg.norm(shape[:, FIRST] - shape[:, OTHER], axis=2)
        read += [moving(np.hstack([flat(hand[:, [0, 4, 8, 12, 16, 20]]), flat(shape[:, 1:]), apart]))]
        read += [np.isfinite(hand[:, 0, :1])]
    return np.hstack(read).T[None].astype(np.float32)


def filled(points):
    """Fill gaps of up to 15 % of the frames in which a point is lost."""
    points, times = points.copy(), np.arange(len(points))
    for point in points.transpose(1, 2, 0):  # (2, T)
        there = np.flatnonzero(np.isfinite(point[0]))
        for before, after in pairwise(there):
            if after - before <= int(0.15 * len(times)) + 1:
                gap = times[before:after]
                point[:, gap] = [np.interp(gap, (before, after), axis[[before, after]]) for axis in point]
    return points


def cut(points, wanted):
    """Return the frames from the first to the last wanted one, with a margin."""
    frames, margin = np.flatnonzero(wanted), 1 + len(points) // 20
    return points[max(0, frames[0] - margin) : frames[-1] + 1 + margin]


def at_moments(points, moments):
    """Interpolate; between a frame that shows a point and one that does not, the nearer of the two counts."""
    at = np.linspace(0, len(points) - 1, moments)
    before, after, share = points[np.floor(at).astype(int)], points[np.ceil(at).astype(int)], (at % 1)[:, None, None]
    mixed = before + (after - before) * share
    return np.where(np.isfinite(mixed), mixed, np.where(share < 0.5, before, after))


def flat(points):
    """Return (T, N, 2) as (T, 2 N)."""
    return points.reshape(len(points), -1)


def moving(values):
    """Return the values and how they change; 0 for what is not seen."""
    return np.nan_to_num(np.hstack([values, np.diff(values, axis=0, prepend=values[:1]) * 4]))


if __name__ == "__main__":
    session = onnxruntime.InferenceSession(sys.argv[1])
    facts = json.loads(session.get_modelmeta().custom_metadata_map["camfuse"])
    logits = session.run(None, {"sequence": channels(np.load(sys.argv[2]), facts)})[0][0]
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    for index in probabilities.argsort()[::-1][:5]:
        print(facts["classes"][index], f"{probabilities[index]:.3f}")
