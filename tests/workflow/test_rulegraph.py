"""docs/rulegraph.svg shows the rules as they are; `make rulegraph` draws it anew."""

import re
from pathlib import Path

from small_run import ROOT, Workflow


def drawn(svg: str) -> set[tuple[str, str]]:
    """Return the arrows of Graphviz's drawing, by rule."""
    names = dict(re.findall(r'class="node">\n<title>(\d+)</title>\n.*\n<text[^>]*>(\w+)</text>', svg))
    arrows = re.findall(r'class="edge">\n<title>(\d+)&#45;&gt;(\d+)</title>', svg)
    return {(names[start], names[end]) for start, end in arrows}


def planned(dot: str) -> set[tuple[str, str]]:
    """Return the arrows of Snakemake's own graph."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', dot, re.MULTILINE))
    arrows = re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE)
    return {(names[start], names[end]) for start, end in arrows}


def test_the_drawn_rules_are_the_workflows(tmp_path: Path) -> None:
    done = Workflow(tmp_path).snakemake("--rulegraph")
    assert done.returncode == 0, done.stderr
    found = planned(done.stdout)
    assert ("train_fusion", "evaluate") in found
    assert drawn((ROOT / "docs" / "rulegraph.svg").read_text()) == found, "run `make rulegraph`"
