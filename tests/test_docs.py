"""What README and docs tell people to type is understood, and the site is whole."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import typer
import yaml

from camfuse.cli import app
from camfuse.clips.sources import csv
from camfuse.config import parse_config
from camfuse.config.sources import CsvSource

ROOT = Path(__file__).parents[1]
WRITTEN = {p.name for p in (ROOT / "docs").glob("*.md")} - {"commands.md"}  # that one is made of the program itself
PAGES = ("README.md", "CONTRIBUTING.md", "config/README.md", *(f"docs/{name}" for name in WRITTEN))
BLOCK = re.compile(r"^(?: {4}\S.*\n?)+|^```(?:sh|bash|console)?\n(.*?)^```", re.M | re.S)
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PROGRAMS = ("camfuse", "snakemake", "make")


def typed(page: str) -> Iterator[list[str]]:
    """Give the words of every command in a page's blocks of code, without comments and what it is piped into."""
    for block in BLOCK.finditer((ROOT / page).read_text()):
        text = re.sub(r"\\\n\s*", " ", block[1] or block[0])
        for line in text.splitlines():
            for part in re.split(r"\s&&\s", re.split(r"\s{2,}#|\s#\s|\s\|\s", line.strip())[0]):
                first = part.split(" ", 1)[0].removeprefix(".venv/bin/")
                if first in PROGRAMS:
                    yield [first, *shlex.split(part)[1:]]


def of(program: str) -> list[object]:
    return [
        pytest.param(words[1:], id=f"{page}: {' '.join(words[1:])[:60]}")
        for page in sorted(PAGES)
        for words in typed(page)
        if words[0] == program
    ]


@pytest.mark.parametrize("words", of("camfuse"))
def test_a_command_of_the_docs_is_understood(words: list[str]) -> None:
    """It is parsed as the program would, down to each option's value; nothing is run."""
    name, *rest = words
    COMMANDS[name].make_context(name, list(rest)).close()


@pytest.mark.parametrize("words", of("snakemake"))
def test_what_snakemake_is_given_is_there(words: list[str]) -> None:
    named = [after for word, after in pairwise(words) if word in ("--configfile", "--workflow-profile")]
    for path in named:
        if path.startswith(("config/", "workflow/", "profiles/")):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("words", of("make"))
def test_a_target_of_make_is_there(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert {word for word in words if "=" not in word and not word.startswith("-")} <= targets


def test_the_example_of_a_table_and_its_config_can_be_used_as_they_stand(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "videos.md").read_text()
    (config,) = re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)
    source = parse_config(yaml.safe_load(config)).clips.csv
    assert source is not None
    (table,) = re.findall(r"^```csv\n(.*?)^```", page, re.M | re.S)
    (tmp_path / "signs.csv").write_text(table)
    found = csv.read(CsvSource(table=tmp_path / "signs.csv", videos=source.videos))
    assert found.classes == ("hello", "thanks") and not found.notes
    assert list(found.rows["split"]) == ["train", "train", "val", "test"]


def test_the_page_of_commands_is_current() -> None:
    spec = importlib.util.spec_from_file_location("write_commands", ROOT / "docs" / "write_commands.py")
    assert spec and spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert (ROOT / "docs" / "commands.md").read_text() == script.page(), "run python docs/write_commands.py"


def test_every_page_stands_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text().split("\nnav:", 1)[1]
    for page in (ROOT / "docs").glob("*.md"):
        assert f"- {page.name}\n" in nav, page.name
    for page in (ROOT / "benchmarks" / "results").glob("*.md"):
        assert f" benchmarks/results/{page.name}\n" in nav, page.name


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs mkdocs-material: pip install mkdocs-material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "benchmarks" / "results" / "real_people" / "index.html").is_file()
    assert "../benchmarks/results/real_people/" in (tmp_path / "site" / "recipe" / "index.html").read_text()


def test_the_settings_of_the_site_are_yaml() -> None:
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text())["hooks"] == ["docs/site_pages.py"]
