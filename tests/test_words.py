"""What the README and the design say of the stages' words is true."""

import re
from pathlib import Path

import pytest
import typer

from camfuse.cli import app

ROOT = Path(__file__).parents[1]
WORDS = ("clips", "frames", "pose", "crops", "heatmaps", "train", "evaluate", "report")
ROOMS = ("", "prep/")
RULES = {"clips": [], "train": ["train_rgb", "train_pose", "train_sequence", "train_fusion"]}


def there(name: str, folder: str, file: str) -> bool:
    return any((ROOT / folder / room / name).is_dir() or (ROOT / folder / room / file).is_file() for room in ROOMS)


@pytest.mark.parametrize("word", WORDS)
def test_a_word_names_everything_of_its_stage(word: str) -> None:
    assert word in typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert there(word, "camfuse", f"{word}.py")
    assert there(word, "tests", f"test_{word}.py")
    rules = "".join(path.read_text() for path in (ROOT / "workflow").rglob("*.smk"))
    found = re.findall(rf"^rule ({word}(?:_\w+)?):", rules, re.MULTILINE)
    assert found == RULES.get(word, [word])
    layout = (ROOT / "camfuse" / "run" / "layout.py").read_text()
    assert f'"{word}"' in layout


@pytest.mark.parametrize("path", ["README.md", "docs/design.md"])
def test_the_drawing_has_every_word(path: str) -> None:
    drawing = (ROOT / path).read_text().split("```")[1]
    assert re.findall(r"\b(?:" + "|".join(WORDS) + r")\b", drawing)[: len(WORDS)] != []
    assert all(re.search(rf"\b{word}\b", drawing) for word in WORDS)
