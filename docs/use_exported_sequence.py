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
BEFORE = [0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19]  # where a hand's points 1 to 20 hang on
TOUCHING = [0, 4, 8, 12, 20, 9]  # points of a hand that come near to something
TOUCHED = [0, 1, 2, 3, 4, 11, 5, 6, 7, 8]  # and to what: head, shoulders, elbows; and the other hand
SWAPPED = [0, 2, 1, 4, 3, 11, 6, 5, 8, 7]  # the same for the left hand
MIRRORED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 11, 13, 12, 16, 15, 14, 17, *range(39, 60), *range(18, 39)]
SPANS = [(0, 1), (0, 0.9), (0.1, 1), (0.05, 0.95), (0.08, 0.92)]  # parts of a sign that are seen in turn


def channels(keypoints, facts, samplings):
    """Return what the network reads of one sign, (samplings, 842, moments); every second one may be mirrored."""
    config = facts["config"]
    points = placed(keypoints)
    points = points[active(points)]
    ways = [points, points[:, MIRRORED] * (-1, 1)] if config["train"]["sequence_augment"]["mirror"] > 0 else [points]
    read = []
    for number in range(samplings):
        start, end = SPANS[number // len(ways) % len(SPANS)]
        at = np.linspace(start, end, config["model"]["sequence"]["frames"]) * (len(points) - 1)
        read.append(one_sampling(at_moments(ways[number % len(ways)], at)))
    return np.stack(read)


def one_sampling(points):
    """Return the channels (842, moments) of points (moments, 60, 2)."""
    body, face, *hands = np.split(points, [11, 18, 39], axis=1)
    arms = body[:, [7, 9, 8, 10]] - body[:, [5, 7, 6, 8]]
    read = [moving(np.hstack([flat(body), flat(directions(arms))])), moving(flat(face - body[:, :1]) * 2)]
    for number, side in enumerate(((-1, 1), (1, 1))):  # the left hand, mirrored, then the right one
        hand, other = hands[number] * side, hands[1 - number] * side
        shape = hand - hand[:, :1]
        palm = np.linalg.norm(shape[:, 5:18:4], axis=2).max(1)
        sized = shape / (palm[np.isfinite(palm)].mean() if np.isfinite(palm).any() else 1)
        apart = np.linalg.norm(sized[:, FIRST] - sized[:, OTHER], axis=2)
        fingers = directions(hand[:, 1:] - hand[:, BEFORE])
        read += [moving(np.hstack([flat(hand[:, [0, 4, 8, 12, 16, 20]]), flat(sized[:, 1:]), apart, flat(fingers)]))]
        head = np.concatenate([body, face], 1)[:, (SWAPPED, TOUCHED)[number]] * side
        near = np.concatenate([head, other[:, [0, 8, 9, 12]]], 1)
        squares = np.square(hand[:, TOUCHING, None] - near[:, None]).sum(-1).reshape(len(hand), -1)
        read += [np.isfinite(hand[:, 0, :1]), np.nan_to_num(np.exp(-np.hstack([squares / 0.25**2, squares / 0.7**2])))]
    return np.hstack(read).T.astype(np.float32)


def lengths(apart):
    """Return the lengths of vectors (n, 2), NaN of those that are zero."""
    found = np.linalg.norm(apart, axis=1)
    return np.where(found > 0, found, np.nan)


def placed(keypoints):
    """Return the points (T, 60, 2) in shoulder widths from their middle; of hands alone, in four palms."""
    points = np.where(keypoints[:, POINTS, 2:] > 0, keypoints[:, POINTS, :2], np.nan).astype(float)
    left, right, hands = points[:, 5], points[:, 6], points[:, 18:].reshape(-1, 21, 2)
    units, origins = lengths(left - right), (left + right) / 2
    if np.isnan(units).all():
        units, origins = 4 * lengths(hands[:, 9] - hands[:, 0]), hands[:, 0]
    return filled((points - np.nanmedian(origins, axis=0)) / np.nanmedian(units))


def active(points):
    """Return the frames in which a hand is raised."""
    shown = cut(np.isfinite(points[:, 18:]).any((1, 2)))  # from the first to the last sight of a hand
    points = points[shown]
    wrists = np.where(np.isfinite(points[:, [9, 10]]), points[:, [9, 10]], points[:, [18, 39]])
    height = -np.fmin(*wrists[..., 1].T)  # of the higher one; where it rests is cut off
    low, high = np.nanpercentile(height, (2, 95))
    return shown[cut(height > low + 0.35 * (high - low))] if high - low >= 0.5 else shown


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


def cut(wanted):
    """Return the frames from the first to the last wanted one, with a margin; all where none is."""
    frames, margin = np.flatnonzero(wanted), 1 + len(wanted) // 20
    first, stop = (max(0, frames[0] - margin), frames[-1] + 1 + margin) if len(frames) else (0, len(wanted))
    return np.arange(len(wanted))[first:stop]


def at_moments(points, at):
    """Interpolate; between a frame that shows a point and one that does not, the nearer of the two counts."""
    before, after, share = points[np.floor(at).astype(int)], points[np.ceil(at).astype(int)], (at % 1)[:, None, None]
    mixed = before + (after - before) * share
    return np.where(np.isfinite(mixed), mixed, np.where(share < 0.5, before, after))


def flat(points):
    """Return (T, N, 2) as (T, 2 N)."""
    return points.reshape(len(points), -1)


def directions(bones):
    """Return vectors (T, n, 2) in length 1."""
    return bones / np.maximum(np.linalg.norm(bones, axis=2, keepdims=True), 1e-3)


def moving(values):
    """Return the values and how they change; 0 for what is not seen."""
    return np.nan_to_num(np.hstack([values, np.diff(values, axis=0, prepend=values[:1]) * 4]))


def sampled(keypoints, facts):
    """Return the first and the last frame that the streams on images and heatmaps look at."""
    all_frames = np.arange(len(keypoints))
    return (all_frames if facts["config"]["sampling"].get("part") is None else active(placed(keypoints)))[[0, -1]]


def drawn(keypoints, facts):
    """Return keypoints in crop pixels where their heatmaps have them: hands may be zoomed about their own middle."""
    if facts["config"]["heatmaps"].get("hands") is None:
        return keypoints
    out, size = keypoints.copy(), facts["config"]["crops"]["size"]
    hands = [np.where(keypoints[:, k : k + 21, 2:] > 0, keypoints[:, k : k + 21, :2], np.nan) for k in (91, 112)]
    sides = np.concatenate([hand.max(1) - hand.min(1) for hand in hands]).max(1)  # NaN if not all points are seen
    seen = sides[np.isfinite(sides)]
    zoom = size / (2 * max(4, np.quantile(seen, 0.8))) if len(seen) else 1
    for k, hand in zip((91, 112), hands, strict=True):
        middle = (np.fmax.reduce(hand, 1) + np.fmin.reduce(hand, 1))[:, None] / 2
        out[:, k : k + 21, :2] = (size - 1) / 2 + (hand - middle) * zoom
    return out


def answer(logits, facts):
    """Return the probabilities that `camfuse predict` gives, from each head's logits (samplings, words)."""
    heads = [np.exp(one - one.max(1, keepdims=True)) for one in logits]
    means = [(one / one.sum(1, keepdims=True)).mean(0) for one in heads]
    mean = np.average(means, axis=0, weights=[facts["weights"][head] for head in facts["heads"]])
    sure = mean ** (1 / facts["calibration"]["temperature"])
    return sure / sure.sum()


if __name__ == "__main__":
    session = onnxruntime.InferenceSession(sys.argv[1])
    facts = json.loads(session.get_modelmeta().custom_metadata_map["camfuse"])
    read = channels(np.load(sys.argv[2]), facts, facts["config"]["evaluate"]["samplings"])
    probabilities = answer(session.run(None, {"sequence": read})[:1], facts)
    if probabilities.max() < facts["calibration"]["threshold"]:
        print("no known sign; the nearest:")
    for index in probabilities.argsort()[::-1][:5]:
        print(facts["classes"][index], f"{probabilities[index]:.3f}")
