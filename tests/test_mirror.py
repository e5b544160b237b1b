"""Tests mirror the package: camfuse/X/y.py has tests/X/test_y.py."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_MODULES = ("__init__.py", "__main__.py")


def without_tests(root: Path) -> list[str]:
    """Return the modules of the package whose test file is not there or holds no test."""
    missing = []
    for path in sorted((root / "camfuse").rglob("*.py")):
        module = path.relative_to(root / "camfuse")
        tests = root / "tests" / module.with_name(f"test_{module.name}")
        if module.name not in NOT_MODULES and not (
            tests.is_file() and re.search(r"^def test_", tests.read_text(), re.M)
        ):
            missing.append(module.as_posix())
    return missing


def test_every_module_has_its_test_file() -> None:
    missing = without_tests(ROOT)
    assert not missing, f"expected tests in tests/X/test_y.py for camfuse/X/y.py, found none for: {', '.join(missing)}"


@pytest.mark.parametrize(
    ("tests", "missing"),
    [
        ({}, ["a/b.py", "c.py"]),
        ({"a/test_b.py": "def test_one(): ...\n"}, ["c.py"]),
        ({"a/test_b.py": "def test_one(): ...\n", "test_c.py": "# def test_nothing\n"}, ["c.py"]),
        ({"test_b.py": "def test_one(): ...\n", "test_c.py": "X = 1\n\n\ndef test_two(): ...\n"}, ["a/b.py"]),
    ],
)
def test_what_is_missing_is_found(tmp_path: Path, tests: dict[str, str], missing: list[str]) -> None:
    modules = dict.fromkeys(("a/__init__.py", "a/b.py", "__main__.py", "c.py"), "")
    for folder, files in (("camfuse", modules), ("tests", tests)):
        for name, text in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    assert without_tests(tmp_path) == missing
