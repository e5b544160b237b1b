"""Stage `pose`: the signer's 133 keypoints in every frame of a shard."""

from pathlib import Path

from camfuse.clips.table import Clip, read_shard_clips
from camfuse.config import Config
from camfuse.errors import ConfigError
from camfuse.prep.clipwise import ShardJob, make_shard
from camfuse.prep.pose.estimator import ClipFrames, Estimator, check_poses
from camfuse.run.shard import ClipData, Shard
from camfuse.run.stages import fingerprint


def make_estimator(config: Config) -> Estimator:
    """Return the estimator that the config names. Each is imported only when it is asked for.

    Raises
    ------
    MissingToolError
        If a package that it needs is not installed.
    """
    pose = config.pose
    if pose.mediapipe is not None:
        from camfuse.prep.pose.mediapipe import MediapipeEstimator

        return MediapipeEstimator(pose.mediapipe)
    if pose.mmpose is not None:
        from camfuse.prep.pose.hrnet import HrnetEstimator

        return HrnetEstimator(config)
    if pose.rtmlib is not None:
        from camfuse.prep.pose.rtmw import RtmlibEstimator

        return RtmlibEstimator(config)
    if pose.annotations is not None:
        from camfuse.prep.pose.annotations import AnnotationsEstimator

        return AnnotationsEstimator(pose.annotations)
    raise ConfigError("pose: expected an estimator that this version has; see config/README.md")


def estimate_poses(config: Config, clips: Path, frames: Path, output: Path, previous: Path | None = None) -> None:
    """Estimate the poses of one shard.

    Per frame: `keypoints` (133, 3), `box` (5) and `filled`, as `camfuse.prep.pose.estimator.Poses` says; per clip:
    `height`, `width` and `fps` of the frames. Clips that the frames shard left out are passed over.

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
    wanted = [clip for clip in read_shard_clips(clips) if clip.clip_id in source]
    with make_estimator(config) as estimator:
        provenance = estimator.provenance()
        job = ShardJob("pose", config, output, provenance, keep_work=True, previous=previous)

        def compute(clip: Clip) -> ClipData:
            video = clip_frames(source, clip.clip_id)
            poses = estimator.estimate(clip, video)
            check_poses(poses, len(video), clip=clip, estimator=str(provenance["estimator"]))
            return ClipData(
                {"keypoints": poses.keypoints, "box": poses.boxes, "filled": poses.filled},
                facts={"height": video.height, "width": video.width, "fps": video.fps},
            )

        make_shard(job, wanted, compute)


def clip_frames(source: Shard, clip_id: str) -> ClipFrames:
    """Return a clip's frames out of a shard of stage `frames`, not decoded yet."""
    return ClipFrames(
        jpeg=source.jpeg(clip_id),
        time=source.read("time", clip_id),
        height=int(source.fact("height", clip_id)),
        width=int(source.fact("width", clip_id)),
        fps=float(source.fact("fps", clip_id)),
    )
