"""Where a run's clip table and what is written beside it lie."""

import os
from pathlib import Path

from camfuse.clips.files import ClipFiles

FILES = ClipFiles(Path("out/clips"))


def test_every_file_has_its_name() -> None:
    names = [name for name, value in vars(ClipFiles).items() if isinstance(value, property)]
    found = {name: getattr(FILES, name).as_posix() for name in names}
    assert found == {
        "clips": "out/clips/clips.csv",
        "classes": "out/clips/classes.csv",
        "coverage": "out/clips/coverage.csv",
        "duplicates": "out/clips/duplicates.csv",
        "missing": "out/clips/missing.csv",
        "notes": "out/clips/notes.txt",
        "hashes": "out/clips/hashes.csv",
        "lengths": "out/clips/lengths.csv",
        "recordings": "out/clips/recordings",
        "shards": "out/clips/shards",
        "alike": "out/clips/alike.json",
        "leaks": "out/clips/leaks.csv",
    }


def test_a_shards_table_lies_among_the_shards() -> None:
    assert FILES.shard("0007") == Path("out/clips/shards/0007.csv")


def test_nothing_is_made(tmp_path: Path) -> None:
    files = ClipFiles(tmp_path / "clips")
    assert not files.shard("0000").parent.exists()
    assert not files.folder.exists()


def test_a_table_that_was_written_later_has_changed_since(tmp_path: Path) -> None:
    files = ClipFiles(tmp_path)
    made = tmp_path / "made"
    assert not files.changed_since(made)
    made.touch()
    files.clips.touch()
    os.utime(files.clips, (10, 10))
    os.utime(made, (10, 10))
    assert not files.changed_since(made)
    os.utime(made, (9, 9))
    assert files.changed_since(made)
