"""Every estimator of the config has its entry, which is cheap to import."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from made_training import MakeConfig

from camfuse.config import Pose
from camfuse.config.estimators import ESTIMATOR_KEYS, EngineKind
from camfuse.entries import find_entry
from camfuse.prep.pose.entry import EstimatorEntry, estimator_entry, pose_weights

ROOT = Path(__file__).parents[3]
NEEDED_LATER = ("cv2", "torch", "mediapipe", "mmpose", "onnxruntime", "openvino", "rtmlib", "pose_format")


@pytest.mark.parametrize("key", ESTIMATOR_KEYS)
def test_the_entry_of_a_key_is_in_the_folder_of_its_name(key: str) -> None:
    entry = find_entry("camfuse.prep.pose", key, EstimatorEntry)
    assert entry.section in get_args(Pose.model_fields[key].annotation)
    section = entry.section()
    assert (ROOT / "envs" / f"{entry.environment}.yaml").is_file()
    assert all(package.install for package in entry.packages(section))
    assert entry.engine(section) in (None, *get_args(EngineKind))
    assert entry.threaded == (entry.engine(section) is not None)


def test_no_entry_imports_what_its_estimator_needs() -> None:
    modules = ", ".join(f"camfuse.prep.pose.{key}" for key in ESTIMATOR_KEYS)
    program = f"import sys, {modules}; print([name for name in {NEEDED_LATER} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_config_chooses(make_config: MakeConfig) -> None:
    assert estimator_entry(make_config().pose).environment == "pose"
    config = make_config(pose={"rtmlib": {"engine": "openvino"}}, machine={"weights": "w"})
    entry = estimator_entry(config.pose)
    assert (entry.environment, entry.engine(config.pose.estimator)) == ("pose-rtmlib", "openvino")
    keys = {needed.key: needed.path.parent for needed in pose_weights(config)}
    assert keys == {"pose.rtmlib.weights": Path("w"), "pose.rtmlib.detector": Path("w")}
    assert pose_weights(make_config()) == ()
