"""Stage `pose`: the signer's 133 keypoints in every frame of a shard."""

from functools import partial
from pathlib import Path

from camfuse.clips.table import Clip, read_shard_clips
from camfuse.config import Config
from camfuse.errors import ClipError
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.clipwise import ShardJob, make_shard
from camfuse.prep.pose.entry import estimator_entry, pose_weights
from camfuse.prep.pose.estimator import Estimator, Poses, check_poses
from camfuse.prep.pose.supervised import Supervised
from camfuse.run.shard import ClipData, Shard
from camfuse.run.stages import fingerprint
from camfuse.weights.needed import check_weights


def make_estimator(config: Config) -> Estimator:
    """Return the estimator that the config names. Each is imported only when it is asked for.

    Raises
    ------
    MissingToolError
        If a package that it needs is not installed.
    WeightsError
        If a file of weights is missing or another than the config names.
    """
    weights = [check_weights(needed) for needed in pose_weights(config)]
    estimator: Estimator = estimator_entry(config.pose).make(config.pose.estimator, weights, config.machine)
    return estimator


def estimate_poses(config: Config, clips: Path, frames: Path, output: Path, previous: Path | None = None) -> None:
    """Estimate the poses of one shard.

    Per frame: `keypoints` (133, 3), `box` (5) and `filled`, as `camfuse.prep.pose.estimator.Poses` says; per clip:
    `height`, `width` and `fps` of the frames. Clips that the frames shard left out stay left out; one that
    shows nobody is a bad clip, whatever the model reads.

    Parameters
    ----------
    clips
        The shard's clip table.
    frames
        The shard of stage `frames`.
    output
        The shard file to write.
    previous
        An earlier output whose unchanged clips are reused.

    Raises
    ------
    BadClipsError
        If clips cannot be estimated and the config does not skip them.
    MissingToolError
        If the estimator's package is not installed.
    ShardError
        If the frames shard is missing, damaged or stale.
    """
    source = Shard(frames, stage="frames", fingerprint=fingerprint("frames", config))
    with Supervised(partial(make_estimator, config), config.machine.patience) as estimator:
        job = ShardJob(
            "pose", config, output, estimator.provenance(), upstream=(source,), keep_work=True, previous=previous
        )

        def compute(clip: Clip) -> ClipData:
            video = ClipFrames.of(source, clip.clip_id)
            poses = estimate_clip(estimator, clip, video)
            if not (poses.keypoints[..., 2] > 0).any():
                raise ClipError(
                    clip.clip_id,
                    f"nobody is seen in any of its {len(video)} frames: look at the video, then remove the clip",
                )
            return ClipData(
                {"keypoints": poses.keypoints, "box": poses.boxes, "filled": poses.filled},
                facts={"height": video.height, "width": video.width, "fps": video.fps},
            )

        make_shard(job, read_shard_clips(clips), compute)


def estimate_clip(estimator: Estimator, clip: Clip, frames: ClipFrames) -> Poses:
    """Estimate the signer's pose in every frame of a clip, and check what the estimator gave.

    Raises
    ------
    ClipError
        If the clip cannot be done, or the estimator breaks its contract (`camfuse.prep.pose.estimator`).
    """
    poses = estimator.estimate(clip, frames)
    check_poses(poses, len(frames), clip=clip, estimator=str(estimator.provenance()["estimator"]))
    return poses
