"""What SECURITY.md promises of the package's own code: nothing that runs what a file says, no shell, no unpacking."""

import ast
import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROMISES = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
FORBIDDEN = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput", "yaml.load"),
    *(
        "pickle.load",
        "pickle.loads",
        "cPickle.load",
        "marshal.load",
        "marshal.loads",
        "torch.jit.load",
        "torch.hub.load",
    ),
    *("joblib.load", "dill.load", "shelve.open", "shutil.unpack_archive", "pd.read_pickle", "pandas.read_pickle"),
}
UNPACKING = {"extract", "extractall"}
"""Methods of archives that write members to disk."""
FORBIDDEN_IMPORTS = {"marshal", "shelve", "dill", "joblib", "tarfile", "cloudpickle"}
TRUSTED = "torch.load(path, map_location='cpu', weights_only=False)"
"""The one call that is not safe; `weights/safe.py` makes it where the whole hash is the config's."""


def faults(text: str) -> Iterator[str]:
    """Yield the calls and imports that no module may have."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            yield from (f"import {name}" for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS)
        if not isinstance(node, ast.Call):
            continue
        name, keys = ast.unparse(node.func), {one.arg: ast.unparse(one.value) for one in node.keywords}
        if name in FORBIDDEN or (name.rpartition(".")[2] in UNPACKING and len(node.args) <= 2 and "re." not in name):
            yield ast.unparse(node)
        if keys.get("shell", "False") != "False":
            yield ast.unparse(node)
        if name == "torch.load" and keys.get("weights_only") != "True":
            yield ast.unparse(node)
        if name == "torch.export.load" and not ast.unparse(node.args[0]).startswith("checked_program("):
            yield ast.unparse(node)
        if name == "np.load" and keys.get("allow_pickle") != "False" and "mmap_mode" not in keys:
            yield ast.unparse(node)


def test_nothing_in_the_package_runs_what_a_file_says() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): wrong
        for path in sorted((ROOT / "camfuse").rglob("*.py"))
        if (wrong := list(faults(path.read_text(encoding="utf-8"))))
    }
    assert found == {"camfuse/weights/safe.py": [TRUSTED]}


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "pickle.loads(data)",
        "subprocess.run(line, shell=True)",
        "torch.load(path)",
        "torch.export.load(path)",
        "np.load(path, allow_pickle=True)",
        "archive.extractall(folder)",
        "import tarfile",
        "yaml.load(text, Loader=yaml.Loader)",
    ],
)
def test_the_search_finds(line: str) -> None:
    assert list(faults(line))


def test_pickles_are_read_by_one_class_that_names_what_it_may_call() -> None:
    users = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "camfuse").rglob("*.py")
        if re.search(r"pickle\.Unpickler|Unpickler\(pickle", path.read_text(encoding="utf-8"))
    ]
    assert users == ["camfuse/prep/pose/annotations/safe_pickle.py"]


def test_what_bandit_passes_over_is_explained() -> None:
    skipped = re.findall(r"B\d+", re.search(r"^skips = .*$", (ROOT / "pyproject.toml").read_text(), re.M)[0])  # type: ignore[index]
    lines = [
        number
        for path in (ROOT / "camfuse").rglob("*.py")
        for number in re.findall(r"# nosec(.*)", path.read_text(encoding="utf-8"))
    ]
    assert all(re.fullmatch(r" B\d+", numbers) for numbers in lines), "expected `# nosec BNNN`"
    explained = {number for row in re.findall(r"^\| (B[^|]*)\|", PROMISES, re.M) for number in re.findall(r"B\d+", row)}
    assert {*skipped, *(numbers.strip() for numbers in lines)} == explained


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "envs" / "audit.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FINE: dict[str, Any] = {"name": "numpy", "version": "2", "vulns": []}
BAD = {"name": "pillow", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": ["GHSA-x"], "fix_versions": []}]}
UNKNOWN = {"name": "torch", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "explained", "code", "said"),
    [
        ([FINE, UNKNOWN], "", 0, "1 packages checked, 1 are not known to the service, 0 problems"),
        ([FINE, BAD], "", 1, "pillow 1: PYSEC-1: renew the pin"),
        ([FINE, BAD], "GHSA-x: not reached", 0, "2 packages checked, 0 problems"),
        ([UNKNOWN], "", 0, "nothing checked: no vulnerability service"),
        (None, "", 0, "nothing checked: no vulnerability service"),
    ],
)
def test_known_vulnerabilities_are_problems_unless_explained(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    packages: list[dict[str, Any]] | None,
    explained: str,
    code: int,
    said: str,
) -> None:
    def answer(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(
            command, 0, "" if packages is None else json.dumps({"dependencies": packages})
        )

    monkeypatch.setattr(audit.subprocess, "run", answer)
    monkeypatch.setattr(audit, "EXPLAINED", tmp_path / "SECURITY.md")
    (tmp_path / "SECURITY.md").write_text(explained)
    assert audit.main() == code
    assert said in capsys.readouterr().out
