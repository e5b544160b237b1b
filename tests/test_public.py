"""What `import camfuse` offers, in one place: a name that goes or comes shows here."""

import inspect
import subprocess
import sys

import pytest

import camfuse

FUNCTIONS = {
    "load": ["model", "estimator=None", "other_estimator=False", "device='auto'", "only_enrolled=False"],
    "estimate_pose": ["video", "estimator='mediapipe'", "start=0.0", "end=inf"],
    "render_heatmaps": ["keypoints", "height=None", "width=None", "crop=256", "sigma=None", "hands=None"],
}
"""Their parameters and defaults."""
CLASSES = {
    "TrainedModel": {"answer", "check_seen", "classes", "close", "facts", "inputs", "load", "observe", "predict"}
    | {"probabilities", "with_samplings"},
    "VideoAnswer": {"frames", "label", "rows", "seconds", "signs", "to_pandas", "top", "video"},
    "Sign": {"classes", "end", "known", "label", "probabilities", "start", "top"},
    "VideoPoses": {"fps", "height", "keypoints", "time", "to_pandas", "video", "width"},
    "Heatmaps": {"affine", "keypoints", "to_pandas", "volume"},
}
"""Their public attributes and methods."""
HEAVY = ("torch", "cv2", "pandas", "numpy", "pydantic")


def test_the_public_names() -> None:
    assert sorted({*FUNCTIONS, *CLASSES, "__version__"}) == sorted(camfuse.__all__)
    assert set(camfuse.__all__) <= set(dir(camfuse))
    assert not hasattr(camfuse, "nothing")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_parameters(name: str) -> None:
    signature = inspect.signature(getattr(camfuse, name))
    found = [
        one.name if one.default is inspect.Parameter.empty else f"{one.name}={one.default!r}"
        for one in signature.parameters.values()
    ]
    assert found == FUNCTIONS[name]
    assert all(part in str(inspect.getdoc(getattr(camfuse, name))) for part in ("Parameters", "Returns", "Raises"))


@pytest.mark.parametrize("name", CLASSES)
def test_members(name: str) -> None:
    found = getattr(camfuse, name)
    members = {*vars(found), *getattr(found, "__dataclass_fields__", {})}
    assert {member for member in members if not member.startswith("_")} == CLASSES[name]


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = f"import sys, camfuse; dir(camfuse); print(sorted({{*{HEAVY}}} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
