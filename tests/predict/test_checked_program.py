"""What a file of `torch.export` may hold: what our own export writes, and nothing that could run."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_training import MadeRun

from camfuse.errors import WeightsError
from camfuse.predict.checked_program import EXAMPLES, FORMULA, GUARD, MODEL, TARGET, checked_program
from camfuse.predict.export import export_model, made_inputs
from camfuse.predict.torch_network import TorchProgram

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def exported(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "signs.pt2"
    export_model(trained.run.training("pose").best, path, "torch")
    return path


def test_our_own_export_is_opened(exported: Path) -> None:
    program = TorchProgram.load(exported, "cpu")
    found = program.probabilities(made_inputs(program.facts))
    assert all(np.isfinite(values).all() for values in found.values())


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, (self.folder,)


def in_model(change: Callable[[dict[str, Any]], object]) -> Callable[[Members, Path], None]:
    def forge(members: Members, _: Path) -> None:
        model = json.loads(members[MODEL])
        change(model)
        members[MODEL] = json.dumps(model).encode()

    return forge


def first_node(model: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = model["graph_module"]["graph"]["nodes"][0]
    return node


def pickled_weight(members: Members, folder: Path) -> None:
    name = "data/weights/model_weights_config.json"
    config = json.loads(members[name])
    first = next(iter(config["config"].values()))
    first["use_pickle"] = True
    members |= {name: json.dumps(config).encode(), f"data/weights/{first['path_name']}": pickle.dumps(Attack(folder))}


def pickled_examples(members: Members, folder: Path) -> None:
    stored = io.BytesIO()
    torch.save(Attack(folder), stored)
    members[EXAMPLES] = stored.getvalue()


FORGERIES: dict[str, Callable[[Members, Path], None]] = {
    "a pickled weight": pickled_weight,
    "pickled example inputs": pickled_examples,
    "a compiled library": lambda members, _: members.update({"data/aotinductor/model/model.so": b"ELF"}),
    "a member outside": lambda members, _: members.update({"../../evil.py": b""}),
    "a function that is no operation": in_model(lambda model: first_node(model).update(target="torch.os.system")),
    "a guard that is a program": in_model(lambda model: model.update(guards_code=["__import__('os').mkdir('x')"])),
    "a name that is a program": in_model(lambda model: first_node(model)["inputs"][0].update(name="x=print()\n")),
    "a key of another version": in_model(lambda model: model.update(hooks=[])),
    "a container of any class": in_model(
        lambda model: model["graph_module"]["module_call_graph"][0]["signature"].update(
            in_spec='[1, {"type": "collections.defaultdict", "context": "[]", "children_spec": []}]'
        )
    ),
}


@pytest.mark.bad_input(
    "a file of torch.export with pickled weights, a library, or names, formulas or calls that are programs",
    "refused; nothing of it runs",
)
@pytest.mark.parametrize("name", FORGERIES)
def test_what_could_run_is_refused(exported: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(exported) as archive:
        members = {one.partition("/")[2]: archive.read(one) for one in archive.namelist()}
    FORGERIES[name](members, tmp_path / "ran")
    path = tmp_path / "forged.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(f"signs/{member}", content)
    with pytest.raises(WeightsError, match="opening it could run a program"):
        TorchProgram.load(path, "cpu")
    assert not (tmp_path / "ran").exists()


def test_a_graph_that_torch_refuses_is_one_line(
    exported: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with zipfile.ZipFile(exported) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    path = tmp_path / "forged.pt2"
    for forge in (
        lambda model: first_node(model).update(target="torch.ops.aten.nothing.default"),
        lambda model: model["graph_module"]["signature"]["input_specs"].pop(),
        lambda model: model["graph_module"]["graph"].update(tensor_values=7),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                model = json.loads(content) if name.endswith(MODEL) else {}
                if model:
                    forge(model)
                archive.writestr(name, json.dumps(model) if model else content)
        with pytest.raises(WeightsError, match=r"not a whole file of torch\.export"):
            TorchProgram.load(path, "cpu")
    assert not caplog.records


def test_a_member_twice_is_refused(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.pt2"
    path.write_bytes(exported.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(next(name for name in archive.namelist() if name.endswith(MODEL)), b"{}")
    with pytest.raises(WeightsError, match="each member once"):
        checked_program(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"{}"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pt2").write_bytes(content)
    with pytest.raises(WeightsError, match="not a whole file"):
        checked_program(tmp_path / "a.pt2")


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (
            FORMULA,
            ("Mul(Integer(2), Symbol('s47', positive=True, integer=True))", "s1 + 2"),
            ("exec(chr(1))", "Symbol('s1').__class__", "9**9", "Symbol('x')", "(exec)(1)", "MaxSymbol(1)"),
        ),
        (
            GUARD,
            ("(4*L['given'][0].size()[0]) == (4*L['given'][1].size()[0])",),
            ("__import__('os')", "L['given'][0].__class__", "L['given'](1)", "print()", "9**9"),
        ),
        (
            TARGET,
            ("torch.ops.aten.add.Tensor", "_operator.mul"),
            ("torch.os.system", "torch.ops.aten.from_file.default", "_operator.call", "torch.load"),
        ),
    ],
)
def test_formulas_guards_and_calls(pattern: Any, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert [text for text in good if not pattern.fullmatch(text)] == []
    assert [text for text in bad if pattern.fullmatch(text)] == []
