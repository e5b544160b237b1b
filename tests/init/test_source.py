"""What `camfuse init` is given becomes a source."""

from pathlib import Path

import pytest

from camfuse.config.sources import CsvSource, FolderSource
from camfuse.errors import ConfigError, TableError
from camfuse.init.source import folder_source, key_of, read_source, table_source


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table in a folder of its own, below the current one; its videos are nowhere yet."""
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    Path("data/words.csv").write_text("video,label\na.mp4,hello\nb.mp4,thanks\n")
    return Path("data/words.csv")


@pytest.mark.parametrize(("there", "place"), [(("data/a.mp4", "data/b.mp4"), "data"), (("a.mp4",), ".")])
def test_videos_lie_beside_the_table_or_here(table: Path, there: tuple[str, ...], place: str) -> None:
    for path in there:
        Path(path).touch()
    assert table_source(table, None) == CsvSource(table=table, videos=Path(place))


def test_most_videos_tell_where_paths_start(table: Path) -> None:
    for path in ("data/a.mp4", "a.mp4", "b.mp4"):
        Path(path).touch()
    assert table_source(table, None).videos == Path()
    assert table_source(table, Path("data")).videos == Path("data")


@pytest.mark.bad_input("a table whose videos are nowhere, for `camfuse init`", "refused; both places are named")
def test_videos_that_are_nowhere(table: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError) as error:
        table_source(table, None)
    assert f"no file {tmp_path}/data/a.mp4 and {tmp_path}/a.mp4; say by --videos" in str(error.value)
    with pytest.raises(TableError, match=r"no file .*/other/a.mp4; say by --videos"):
        table_source(table, Path("other"))


def test_keypoints_alone_are_not_looked_at(table: Path) -> None:
    table.write_text("annotation,label\na.pose,hello\n")
    with pytest.raises(TableError, match="found keypoint files alone"):
        table_source(table, None)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "anna1.mp4").touch()
    source = folder_source(tmp_path, "/([a-z]+)[0-9]")
    assert (source, key_of(source)) == (FolderSource(videos=tmp_path, signer="/([a-z]+)[0-9]"), "folder")
    assert read_source(source).rows["signer"].tolist() == ["anna"]
    with pytest.raises(ConfigError, match="--signer: expected a regular expression"):
        folder_source(tmp_path, "(")
