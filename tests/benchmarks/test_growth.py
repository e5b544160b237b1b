"""The benchmark of growth: what it counts, and its page."""

from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.growth import made_shards, markdown, read_all, training_config, use, with_each
from camfuse.run.layout import Run


def test_a_command_is_measured(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        f"open({str(tmp_path / 'in')!r}, 'w'); open({str(tmp_path / 'in')!r}); print(7)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        found = use("module", watched=tmp_path / "in")
        assert found.opened == 2 and found.said.startswith("7") and found.cpu > 0 and found.memory > 1
        with pytest.raises(RuntimeError, match="No module named nothing"):
            use("nothing")


def test_made_shards_are_read(tmp_path: Path) -> None:
    made_shards(tmp_path / "set", 60)
    run = Run(training_config(tmp_path / "set", 60))
    assert sum(len(list(shard)) for shard in run.shards("crops")) == 60
    words = read_all(tmp_path / "set").split()
    assert words[0] == "read" and float(words[2]) > 0 and float(words[4]) < 50


def test_the_page_by_hand() -> None:
    rows = with_each([{"clips": 100, "x, CPU s": 2.0}, {"clips": 1100, "x, CPU s": 3.0}], "clips")
    assert rows[1]["x, ms a further clip"] == pytest.approx(1.0)
    page = list(markdown("Title", rows))
    assert page[1] == "| clips | x, CPU s | x, ms a further clip |" and page[3] == "| 100 | 2 | - |"
    assert growth.written(36_302) == "36,302" and growth.written(1234.5) == "1,234"
