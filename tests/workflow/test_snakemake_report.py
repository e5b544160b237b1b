"""`snakemake --report`: the results with captions and categories, made without a network."""

import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from small_run import Workflow

CATEGORIES = {"Results": 3, "Training": 3, "Report": 1}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there


def block(page: str, name: str) -> Any:
    """Return what the page's script block assigns."""
    start = re.search(rf'<script id="{name}">\s*var \w+ = ', page)
    assert start, name
    return json.JSONDecoder().raw_decode(page[start.end() :])[0]


@pytest.mark.usefixtures("offline")
def test_the_report_carries_the_results_with_captions(finished: Workflow, tmp_path: Path) -> None:
    finished.run("--report", str(tmp_path / "report.zip"))
    with ZipFile(tmp_path / "report.zip") as archive:
        page = archive.read("report/report.html").decode()
        held = {name.rsplit("/", 1)[-1]: archive.read(name).decode() for name in archive.namelist()}
    assert held.keys() >= {"results.csv", "predictions.csv", "confusion.csv", "curves.csv", "index.html"}
    assert held["results.csv"] == (finished.folder / "results" / "evaluate" / "results.csv").read_text()
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=.?https?:", page)
    assert "Source of the clips:\nfingerspelling." in block(page, "workflow-desc")
    files = {
        name: [path for paths in found.values() for path in paths] for name, found in block(page, "categories").items()
    }
    assert {name: len(found) for name, found in files.items()} == CATEGORIES
    shown = block(page, "results")
    assert {shown[path]["labels"]["training"] for path in files["Training"]} == {"rgb", "pose", "fusion"}
    captions = {shown[path]["labels"]["table"]: shown[path]["caption"] for path in files["Results"]}
    assert captions["accuracy"].startswith("<p>Test results: one row per stream")
    assert "taken for each other" in captions["confusion"]
