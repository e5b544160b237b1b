"""The other ways, written plainly from what their projects document, or the real ones where they are installed."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Renderer = Callable[[Array, int, float], Array]
ROOT = Path(__file__).parents[2]
EDGE = float(np.exp(-4.5))
"""The Gaussian at 3 sigma, where ours ends; the peer's window reaches up to one pixel further."""


def render_plain(points: Array, size: int, sigma: float) -> Array:
    """Render as PYSKL's and MMAction2's `GeneratePoseTarget`: keypoint by keypoint, a window of 3 sigma to both sides.

    Parameters
    ----------
    points
        (T, K, 3) x, y in pixels of the map, score.
    size
        Side Q of a map.
    sigma
        In pixels of the map.

    Returns
    -------
    NDArray
        (T, K, Q, Q) float32.
    """
    out = np.zeros((*points.shape[:2], size, size), np.float32)
    for frame, maps in zip(points, out, strict=True):
        for (x, y, score), target in zip(frame, maps, strict=True):
            if score < 1e-4:
                continue
            (left, right), (top, bottom) = (_window(centre, size, sigma) for centre in (x, y))
            columns = np.arange(left, right, 1, np.float32)
            rows = np.arange(top, bottom, 1, np.float32)[:, None]
            if not columns.size or not rows.size:
                continue
            patch = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / sigma**2) * score
            target[top:bottom, left:right] = np.maximum(target[top:bottom, left:right], patch)
    return out


def _window(centre: float, size: int, sigma: float) -> tuple[int, int]:
    return max(int(centre - 3 * sigma), 0), min(int(centre + 3 * sigma) + 1, size)


def renderer() -> tuple[str, Renderer]:
    """Return MMAction2's own renderer where it is installed, else the plain one; and its name."""
    if find_spec("mmaction") is None:
        return "GeneratePoseTarget's way in numpy", render_plain
    import_mmaction()
    from mmaction.datasets.transforms.pose_transforms import GeneratePoseTarget

    def render(points: Array, size: int, sigma: float) -> Array:
        made = GeneratePoseTarget(sigma=sigma, use_score=True, with_kp=True, with_limb=False)
        found = made.transform(
            {"img_shape": (size, size), "keypoint": points[None, ..., :2], "keypoint_score": points[None, ..., 2]}
        )
        return np.asarray(found["imgs"])

    return "MMAction2's GeneratePoseTarget", render


def import_mmaction() -> None:
    """Make MMAction2's modules importable as the tests do."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    from mmaction_peer import import_mmaction as ready

    ready()
