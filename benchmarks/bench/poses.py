"""Keypoints from frames: the estimators' own ways beside ours."""

from typing import Any

import numpy as np

from benchmarks.bench.race import Row, Rows, Scale, Skipped, race, same
from benchmarks.bench.videos import Prepared, has_mediapipe, videos_of
from camfuse.config.estimators import MediapipePose
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.frames import extract_frames

SUBJECT = "poses"
FULL = 1
"""MediaPipe's complexity whose model is in the wheel."""


def rows(scale: Scale) -> Rows:
    """Yield MediaPipe, and say where the others' figures are."""
    what = "MediaPipe, frames to 133 keypoints"
    if scale.data is None or not has_mediapipe():
        yield Skipped(SUBJECT, what, "needs MediaPipe (`make videos`) and --data")
    else:
        yield mediapipe(scale, what)
    reason = "takes longer than this: `python benchmarks/pose_engines.py` after `make mmpose` (pose_engines_*.md)"
    yield Skipped(SUBJECT, "HRNet by torch, onnxruntime and OpenVINO beside MMPose", reason)


def mediapipe(scale: Scale, what: str) -> Row:
    """Return the row of MediaPipe beside a bare loop over its `Holistic`."""
    from camfuse.prep.pose.mediapipe.estimator import MediapipeEstimator

    run = Prepared(scale.folder / "poses", videos_of(scale)[:1])
    extract_frames(run.config, run.table, run.frames)
    clip = run.clips()[0]
    stored = ClipFrames.of(run.shard("frames"), clip.clip_id)
    count = 4 if scale.quick else min(40, len(stored))
    video = ClipFrames(stored.jpeg[:count], stored.time[:count], stored.height, stored.width, stored.fps)
    with MediapipeEstimator(MediapipePose()) as estimator:
        ours = estimator.estimate(clip, video).keypoints
        same(what, _left_wrists(ours), np.array(bare(video)), 0.01)
        found = race({"ours": lambda: estimator.estimate(clip, video), "peer": lambda: bare(video)}, scale)
    each = {name: spent / count for name, spent in found.items()}
    return Row(
        SUBJECT, f"{what} ({1000 / each['ours']:.1f} frames/s a core)", "ms a frame", each["ours"], each["peer"],
        "a loop over Holistic", "0.01 pixels", least=0.95, short="a tie is 0.9 to 1.1",
    )  # fmt: skip


def _left_wrists(keypoints: Any) -> Any:
    return np.where(np.isfinite(keypoints[:, 9, :2]), keypoints[:, 9, :2], -1)


def bare(video: ClipFrames) -> list[tuple[float, float]]:
    """Return the left wrist of each frame, as a plain program would find it; (-1, -1) without anybody."""
    from mediapipe.python.solutions.holistic import Holistic

    found = []
    with Holistic(model_complexity=FULL, refine_face_landmarks=True) as holistic:
        for image in video:
            answer = holistic.process(image).pose_landmarks
            wrist = answer.landmark[15] if answer else None
            found.append((wrist.x * video.width - 0.5, wrist.y * video.height - 0.5) if wrist else (-1.0, -1.0))
    return found
