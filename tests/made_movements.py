"""Keypoints of somebody who moves, and the same from another file."""

import numpy as np

from camfuse.skeleton import NUM_KEYPOINTS


def movement(seed: int, frames: int = 40) -> np.ndarray:
    """Return the keypoints of somebody whose points each swing around a place of their own."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames)[:, None, None]
    points = rng.uniform(60, 240, (1, NUM_KEYPOINTS, 2)) + 30 * np.sin(
        2 * np.pi * (time * rng.uniform(0.5, 1.5, (1, NUM_KEYPOINTS, 1)) + rng.uniform(0, 1, (1, NUM_KEYPOINTS, 1)))
    )
    points[:, 5], points[:, 6] = (160, 100), (80, 100)
    return np.concatenate([points, np.ones((frames, NUM_KEYPOINTS, 1))], -1).astype(np.float32)


def again(keypoints: np.ndarray, seed: int = 9) -> np.ndarray:
    """Return the same from another file: half the size, another place, noise, a hand lost for a moment, more frames."""
    rng = np.random.default_rng(seed)
    out = np.repeat(keypoints, 2, axis=0)
    out[..., :2] = out[..., :2] / 2 + 17 + rng.normal(0, 0.3, out[..., :2].shape)
    out[10:14, 91:112] = (np.nan, np.nan, 0)
    return out
