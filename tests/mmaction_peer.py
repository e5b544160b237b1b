"""MMAction2 1.2.0 for the tests that compare with it: from PyPI into a folder of its own, unless it is installed."""

import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from camfuse.prep.pose.mmpose.compiled_ops import missing_supplied

ROOT = Path(__file__).parents[1]
WHEELS = (
    "mmaction2==1.2.0 mmengine==0.10.7 mmcv-lite==2.1.0 einops==0.8.1 addict==2.4.0 yapf==0.43.0 termcolor "
    "platformdirs importlib_metadata==8.5.0 zipp setuptools<81"
).split()


def environment_with_mmaction(folder: Path) -> dict[str, str]:
    """Return an environment in which `mmaction` is found; skips the test where it cannot be had."""
    if find_spec("mmaction") is None:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *WHEELS]
        done = subprocess.run(pip, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"MMAction2 is not installed and cannot be: {done.stderr[-500:]}")
    paths = [str(folder), str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run_with_mmaction(environment: dict[str, str], script: Path, *arguments: object) -> str:
    """Run a script that imports MMAction2 in a process of its own; return what it prints."""
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def import_mmaction() -> None:
    """Make `mmaction` importable in such a process: the wheel lacks one package that it imports."""
    for name in ("mmaction.models.localizers.drn", "mmaction.models.localizers.drn.drn"):
        missing = ModuleType(name)
        missing.DRN = object  # type: ignore[attr-defined]
        sys.modules[name] = missing
    with missing_supplied():
        # its multimodal models fail at the import with a later transformers; nothing here needs them
        import_module("mmaction.utils.dependency").WITH_MULTIMODAL = False  # type: ignore[attr-defined]
        import_module("mmaction.models")


def build_recogniser(config: str, *, keypoints: int, classes: int) -> Any:
    """Build one of MMAction2's recognisers from a config of RGBPoseConv3D inside its wheel; after `import_mmaction`."""
    import mmaction
    from mmaction.registry import MODELS
    from mmengine import Config
    from mmengine.registry import init_default_scope

    init_default_scope("mmaction")
    folder = Path(mmaction.__file__).parent / ".mim" / "configs" / "skeleton" / "posec3d" / "rgbpose_conv3d"
    settings = Config.fromfile(str(folder / config)).model
    settings.cls_head.num_classes = classes
    if "pose_pathway" in settings.backbone:
        settings.backbone.pose_pathway.in_channels = keypoints
    return MODELS.build(settings)
