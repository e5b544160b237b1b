"""Whose keypoints a trained model is given: those that it was trained on, unless somebody says otherwise."""

from camfuse.config import Config, Pose
from camfuse.config.estimators import ESTIMATOR_KEYS
from camfuse.errors import ConfigError, MissingToolError, bullet_list
from camfuse.prep.pose.entry import estimator_entry, pose_weights

COST = (
    "every estimator puts the points elsewhere and means something else by their scores, so a model is right less "
    "often on keypoints of another one than on its own; how much less is not known for this pair"
)


FILES = "annotations"
"""In an estimator's place: the keypoints come from files."""


def with_estimator(config: Config, named: str | None = None, *, other: bool = False) -> Config:
    """Return the config with the estimator that makes the keypoints for prediction.

    Parameters
    ----------
    config
        Under which the model was trained.
    named
        Key of the estimator to use; left out, the one that the model was trained with. ``annotations``: none, for
        keypoint files alone will be answered.
    other
        Whether it may be another one than that.

    Raises
    ------
    ConfigError
        If the model was trained on keypoints from files and none is named, or another one is named and not allowed.
    """
    if named == FILES:
        return config
    trained = config.pose
    video_estimators = [key for key in ESTIMATOR_KEYS if not estimator_entry(_pose(key)).from_files]
    if named is not None and named not in video_estimators:
        raise ConfigError(f"expected one of the estimators {', '.join(video_estimators)}, found {named}")
    if estimator_entry(trained).from_files:
        if named is None:
            raise ConfigError(_which_one(config, video_estimators))
        return config.model_copy(update={"pose": _pose(named)})
    if named in (None, trained.key):
        return config
    if not other:
        raise ConfigError(
            f"this model was trained on keypoints of {trained.key}, and {named} is asked for: {COST}; "
            f"leave out `--estimator` to use {trained.key}, or add `--other-estimator` to use {named} all the same"
        )
    return config.model_copy(update={"pose": _pose(str(named))})


def check_estimator(config: Config) -> None:
    """Look for what the config's estimator needs, before a video is opened.

    Raises
    ------
    MissingToolError
        Naming what is missing and how to get it.
    """
    pose = config.pose
    packages = estimator_entry(pose).packages(pose.estimator)
    missing = [f"{one.name}: {one.install}" for one in packages if one.missing]
    missing += [f"{one.key}: {one.path}" for one in pose_weights(config) if not one.path.is_file()]
    if missing:
        raise MissingToolError(
            f"this model wants keypoints of {pose.key}, which needs what is not here\n{bullet_list(missing)}\n"
            f"(keypoints of another estimator: `--estimator NAME --other-estimator`; {COST})"
        )


def _pose(key: str) -> Pose:
    return Pose.model_validate({key: {}})


def _which_one(config: Config, known: list[str]) -> str:
    """Say which estimator to name for a model that was trained on keypoints from files."""
    begin = "this model was trained on keypoints that came from files, so it cannot say how to make them: "
    if config.clips.fingerspelling is not None:
        return f"{begin}the recordings of the demo are MediaPipe's, so name `--estimator mediapipe`"
    return (
        f"{begin}name the estimator that made them, `--estimator` with one of {', '.join(known)} "
        "(`.pose` files of MediaPipe Holistic: mediapipe; PYSKL's and MMAction2's whole-body pickles: mmpose)"
    )
