"""Keypoint files of either kind; a pickle is read once."""

import pickle
from pathlib import Path

import pytest

from camfuse.clips.table import Clip
from camfuse.errors import ClipError
from camfuse.prep.pose.annotations import files
from camfuse.prep.pose.annotations.files import KeypointFiles
from tests.prep.pose.annotations.made_files import entry


def clip(name: str) -> Clip:
    return Clip(name, Path("x.pkl"), 0.0, float("inf"), None, "identity")


def test_a_pickle_is_read_once_for_all_its_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = tmp_path / "x.pkl", []
    path.write_bytes(
        pickle.dumps({"annotations": [entry(frame_dir=name, frames=n) for n, name in ((5, "a"), (7, "b"))]})
    )
    made = files.AnnotationPickle
    monkeypatch.setattr(files, "AnnotationPickle", lambda path: opened.append(path) or made(path))
    reader = KeypointFiles()
    assert [len(reader.read(path, clip(name))) for name in "aba"] == [5, 7, 5] and opened == [path]
    reader.clear()
    assert len(reader.read(path, clip("a"))) == 5 and len(opened) == 2


@pytest.mark.parametrize(
    ("name", "said"), [("a.npy", "expected a keypoint file that ends in"), ("a.pkl", "cannot read")]
)
def test_what_cannot_be_read_says_so(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ClipError, match=said):
        KeypointFiles().read(tmp_path / name, clip("a"))
