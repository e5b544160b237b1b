"""All checks together: none keeps the others from being made."""

from camfuse.run.layout import Run
from camfuse.verify.run import CHECKS, verify


def test_a_check_that_cannot_begin_does_not_end_the_others(copy: Run) -> None:
    assert {found.kind for found in verify(copy)} == {"fine", "note"}
    copy.clip_files.classes.unlink()
    found = list(verify(copy))
    assert [one.place for one in found if one.kind == "wrong"] == ["clips", "train"]
    assert any(one.place == "pose" and one.kind == "fine" for one in found)
    copy.clip_files.clips.unlink()
    assert {one.place for one in verify(copy) if one.kind == "wrong"} == {*CHECKS}
