"""Folders may be called anything that Snakemake can hold: nothing of a path reaches a shell unquoted."""

import shutil
from pathlib import Path

import pytest
from small_run import ROOT, SMALL, Workflow

ODD = 'my results/it\'s $HOME $(touch HACKED) (1) "quoted" ünï 手話; & * ?'
CODE = ("Snakefile", "camfuse", "workflow", "profiles", "envs", "config")


def test_a_whole_run_in_oddly_named_folders(tmp_path: Path) -> None:
    code = tmp_path / "the code (v1) it's $HOME"
    code.mkdir()
    for name in CODE:
        if (ROOT / name).is_dir():  # the link `profiles` too
            shutil.copytree(ROOT / name, code / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, code / name)
    folder = tmp_path / "work $USER (2)"
    folder.mkdir()
    workflow = Workflow(folder, SMALL | {"output": ODD}, root=code)
    workflow.run()
    out = folder / ODD
    assert (out / "report" / "index.html").is_file()
    assert len(list((out / "heatmaps").glob("*.h5"))) == 2
    assert (out / "logs" / "train_fusion.log").read_text()
    assert not list(tmp_path.rglob("HACKED"))
    assert workflow.planned() == {}


@pytest.mark.parametrize("name", ["out{shard}", "out}", "a\nb", "a\tb"])
def test_what_snakemake_cannot_hold_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    done = Workflow(tmp_path, SMALL | {"output": name}).snakemake("--dry-run")
    assert done.returncode != 0
    assert "output: Snakemake takes braces for wildcards" in done.stdout + done.stderr
