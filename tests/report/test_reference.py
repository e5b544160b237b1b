"""Published numbers beside ours."""

from camfuse.config import Clips
from camfuse.report.reference import reference_table

WLASL = Clips.model_validate({"wlasl": {"videos": "v", "subset": "nslt_2000.json"}})
AUTSL = Clips.model_validate({"autsl": dict.fromkeys(("videos", "train", "validation", "test", "class_names"), "x")})


def test_the_papers_numbers_stand_where_the_data_are_theirs() -> None:
    for clips, classes, top1 in ((WLASL, 2000, "53.12"), (AUTSL, 226, "96.18")):
        table = reference_table(clips, classes)
        assert table and "not measured here" in table.caption
        assert table.rows[0][2] == top1 and all(row[-1] for row in table.rows)


def test_other_data_have_none() -> None:
    assert reference_table(WLASL, 100) is None
    assert reference_table(Clips.model_validate({"folder": {"videos": "v"}}), 2000) is None
