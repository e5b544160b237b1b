"""CAMFuse: cross-attention modal fusion of RGB and whole-body pose for sign language recognition.

From Python::

    import camfuse

    with camfuse.load("results/videos") as model:      # a run's folder, a best.ckpt or an exported file
        answer = model.predict("clip.mp4")             # prints well, answer.to_pandas()
    poses = camfuse.estimate_pose("clip.mp4")          # (T, 133, 3) keypoints
    heatmaps = camfuse.render_heatmaps(poses)          # (T, 133, 64, 64)

Nothing of this is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camfuse.predict.answer import Sign, VideoAnswer
    from camfuse.predict.poses import Heatmaps, VideoPoses, estimate_pose, render_heatmaps
    from camfuse.predict.recognise import TrainedModel, load

__version__ = "0.1.0"
__all__ = [
    "Heatmaps",
    "Sign",
    "TrainedModel",
    "VideoAnswer",
    "VideoPoses",
    "__version__",
    "estimate_pose",
    "load",
    "render_heatmaps",
]
_PLACES = {
    "Heatmaps": "camfuse.predict.poses",
    "Sign": "camfuse.predict.answer",
    "TrainedModel": "camfuse.predict.recognise",
    "VideoAnswer": "camfuse.predict.answer",
    "VideoPoses": "camfuse.predict.poses",
    "estimate_pose": "camfuse.predict.poses",
    "load": "camfuse.predict.recognise",
    "render_heatmaps": "camfuse.predict.poses",
}


def __getattr__(name: str) -> Any:
    """Import what is public when it is first asked for."""
    if name not in _PLACES:
        raise AttributeError(f"module 'camfuse' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    """Return what is public, for completion."""
    return sorted({*globals(), *__all__})
