"""What a run needs of the machine."""

from typing import Any

import pytest

from camfuse.run import requirements
from camfuse.run.requirements import pose_gpus


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
    pose: Any, device: str, conda: bool, installed: bool, gpus: int, make_config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "_is_installed", lambda name: installed)
    config = make_config(pose=pose, machine={"device": device})
    assert pose_gpus(config, conda=conda) == gpus
