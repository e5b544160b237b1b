"""What a config needs of the machine is looked for before the first job."""

from typing import Any

import pytest
from made_training import MakeConfig

from camfuse import entries
from camfuse.errors import MissingToolError
from camfuse.prep import requirements
from camfuse.prep.requirements import PoseJob, check_machine, needed_packages, pose_gpus, pose_job


def names(config: Any) -> list[str]:
    return [package.name for package in needed_packages(config)]


def test_each_config_names_its_own_packages(make_config: MakeConfig) -> None:
    assert names(make_config()) == ["imageio_ffmpeg", "mediapipe"]
    assert names(make_config(pose={"mmpose": {}})) == ["imageio_ffmpeg", "mmpose", "mmdet", "mmcv"]
    letters = {"letters": ["A"], "languages": {"train": ["ase"], "val": [], "test": []}}
    both = make_config(pose={"annotations": {}}, clips={"fingerspelling": letters})
    assert names(both) == ["imageio_ffmpeg", "pose_format", "spoken_to_signed"]


def test_all_that_is_missing_is_said_at_once(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "find_spec", lambda name: None)
    config = make_config(pose={"rtmlib": {}})
    with pytest.raises(MissingToolError) as error:
        check_machine(config)
    for part in (
        "5 thing(s)",
        "imageio_ffmpeg: pip",
        "rtmlib: make rtmlib",
        "onnxruntime: make",
        "pose.rtmlib.weights",
    ):
        assert part in str(error.value)
    with pytest.raises(MissingToolError, match=r"2 thing\(s\)"):
        check_machine(config, packages=False)  # conda brings the packages


@pytest.mark.parametrize(
    ("pose", "device", "conda", "installed", "gpus"),
    [
        ({"mediapipe": {}}, "cuda", False, True, 0),
        ({"mmpose": {"engine": "torch"}}, "auto", True, False, 1),
        ({"mmpose": {"engine": "torch"}}, "cpu", False, True, 0),
        ({"mmpose": {"engine": "openvino"}}, "auto", False, True, 0),
        ({"rtmlib": {}}, "auto", False, False, 0),
        ({"rtmlib": {}}, "auto", False, True, 1),
        ({"rtmlib": {}}, "auto", True, True, 0),  # what is installed beside Snakemake is not what the job has
        ({"rtmlib": {}}, "cuda", True, False, 1),
        ({"rtmlib": {}}, "cuda", False, False, 1),
        ({"rtmlib": {}}, "cpu", True, True, 0),
    ],
)
def test_a_pose_job_gets_a_gpu_that_its_engine_can_use(
    pose: Any,
    device: str,
    conda: bool,
    installed: bool,
    gpus: int,
    make_config: MakeConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requirements, "_is_installed", lambda name: installed)
    config = make_config(pose=pose, machine={"device": device})
    assert pose_gpus(config, conda=conda) == gpus


def test_a_pose_job_asks_for_what_its_estimator_needs(make_config: MakeConfig) -> None:
    assert pose_job(make_config(), conda=True) == PoseJob("pose", 1, 0, 6000, 720)
    machine = {"device": "cuda", "threads": 3}
    rtmlib = pose_job(make_config(pose={"rtmlib": {}}, machine=machine), conda=True)
    assert rtmlib == PoseJob("pose-rtmlib-gpu", 3, 1, 12000, 2880)
    mmpose = pose_job(make_config(pose={"mmpose": {}}, machine=machine), conda=True)
    assert (mmpose.environment, mmpose.gpus) == ("pose-mmpose", 1)
