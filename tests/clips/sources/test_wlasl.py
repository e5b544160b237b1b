import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from camfuse.clips.sources.wlasl import read
from camfuse.config.sources import WlaslSource
from camfuse.errors import TableError

MANIFEST = [
    {
        "gloss": "thank you",
        "instances": [
            {"video_id": "00101", "split": "train", "signer_id": 7, "frame_start": 1, "frame_end": -1, "fps": 25},
            {"video_id": "00102", "split": "test", "signer_id": 8, "frame_start": 51, "frame_end": 75, "fps": 25},
        ],
    },
    {
        "gloss": "don't want",
        "instances": [
            {"video_id": "00201", "split": "val", "signer_id": 7, "frame_start": 26, "frame_end": -1, "fps": 25}
        ],
    },
]
SUBSET = {
    "00101": {"subset": "train", "action": [0, 1, 60]},
    "00102": {"subset": "test", "action": [0, 1, 25]},
}


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., WlaslSource]:
    """Write label files and return the source section: `source(manifest=[...], subset={...}, trimmed=False)`."""
    (tmp_path / "videos").mkdir()

    def make(manifest: Any = None, subset: Any = None, class_list: str | None = None, **keys: Any) -> WlaslSource:
        for name, content in (("manifest", manifest), ("subset", subset)):
            if content is not None:
                keys[name] = tmp_path / f"{name}.json"
                keys[name].write_text(content if isinstance(content, str) else json.dumps(content))
        if class_list is not None:
            keys["class_list"] = tmp_path / "classes.txt"
            keys["class_list"].write_text(class_list)
        return WlaslSource(videos=tmp_path / "videos", **keys)

    return make


def column(table: Any, name: str) -> dict[str, Any]:
    return dict(zip(table.rows["clip_id"], table.rows[name], strict=True))


def test_frame_numbers_are_counted_at_25_per_second_whatever_the_videos_rate(
    source: Callable[..., WlaslSource],
) -> None:
    table = read(source(MANIFEST, trimmed=False))
    # frames 51..75 at 25 per second are the third second: frames 59.9 to 89.9 of a video at 29.97
    assert column(table, "start")["00102"] == pytest.approx(2.0)
    assert column(table, "end")["00102"] == pytest.approx(3.0)
    assert column(table, "start")["00102"] * 30_000 / 1001 == pytest.approx(59.94, abs=0.01)
    assert column(table, "end")["00102"] * 30_000 / 1001 == pytest.approx(89.91, abs=0.01)


def test_first_frame_is_second_zero_and_minus_one_is_the_end(source: Callable[..., WlaslSource]) -> None:
    table = read(source(MANIFEST, trimmed=False))
    assert column(table, "start") == {"00101": 0.0, "00102": 2.0, "00201": 1.0}
    assert table.rows["end"].isna().tolist() == [True, False, True]


def test_trimmed_files_are_taken_whole(source: Callable[..., WlaslSource]) -> None:
    table = read(source(MANIFEST, SUBSET))
    assert table.rows["start"].tolist() == [0.0, 0.0]
    assert table.rows["end"].isna().all()
    assert any("1 clips are segments" in note for note in table.notes)


def test_manifest_alone(source: Callable[..., WlaslSource], tmp_path: Path) -> None:
    table = read(source(MANIFEST))
    assert table.classes == ("thank you", "don't want")
    assert column(table, "label") == {"00101": "thank you", "00102": "thank you", "00201": "don't want"}
    assert column(table, "signer")["00102"] == "8"
    assert column(table, "split") == {"00101": "train", "00102": "test", "00201": "val"}
    assert column(table, "video")["00101"] == str(tmp_path / "videos" / "00101.mp4")


def test_subset_wins_and_disagreements_are_noted(source: Callable[..., WlaslSource]) -> None:
    subset = {
        "00101": {"subset": "val", "action": [0, 1, 60]},
        "00102": {"subset": "test", "action": [1, 1, 25]},
        "00999": {"subset": "train", "action": [1, 1, 25]},
    }
    table = read(source(MANIFEST, subset, trimmed=False))
    assert column(table, "split") == {"00101": "val", "00102": "test", "00999": "train"}
    assert column(table, "label") == {"00101": "thank you", "00102": "don't want", "00999": "don't want"}
    assert column(table, "signer") == {"00101": "7", "00102": "8", "00999": ""}
    assert column(table, "start")["00999"] == 0.0
    notes = "\n".join(table.notes)
    assert "1 clips of subset.json are not in manifest.json; kept, with the whole file and no signer: 00999" in notes
    assert "1 clips have another class in manifest.json than in subset.json, which wins: 00102" in notes
    assert "1 clips have another split in manifest.json than in subset.json, which wins: 00101" in notes
    assert "1 clips of the same glosses in manifest.json are not in subset.json; left out: 00201" in notes


def test_subset_keeps_its_classes_only(source: Callable[..., WlaslSource]) -> None:
    assert read(source(MANIFEST, SUBSET)).classes == ("thank you",)


def test_subset_alone_takes_names_from_the_class_list(source: Callable[..., WlaslSource]) -> None:
    table = read(source(subset=SUBSET, class_list="0\tthank you\n1\tdon't want"))
    assert table.classes == ("thank you",)
    assert table.rows["label"].tolist() == ["thank you", "thank you"]
    assert table.rows["signer"].tolist() == ["", ""]


def test_subset_without_any_names_says_so(source: Callable[..., WlaslSource]) -> None:
    table = read(source(subset=SUBSET))
    assert table.classes == ("0",)
    assert "class_list" in table.notes[0]


def test_manifest_names_win_over_the_class_list(source: Callable[..., WlaslSource]) -> None:
    table = read(source(MANIFEST, SUBSET, class_list="0\tthanks\n1\tdon't want"))
    assert table.classes == ("thank you",)
    assert any("'thank you' is 'thanks' there" in note for note in table.notes)


def test_segments_need_the_manifest(source: Callable[..., WlaslSource]) -> None:
    with pytest.raises(TableError, match="needs the segments of `manifest`"):
        read(source(subset=SUBSET, trimmed=False))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"manifest": "[{"}, r"manifest\.json.*\n.*Invalid JSON"),
        ({"manifest": {"gloss": "x"}}, "the file: Input should be a valid"),
        (
            {"manifest": [{"gloss": "x", "instances": [{"video_id": 12, "split": "train"}]}]},
            r"0\.instances\.0\.video_id",
        ),
        ({"manifest": [{"gloss": "x"}]}, r"0\.instances"),
        ({"manifest": [{"gloss": "x", "instances": []}, {"gloss": "x", "instances": []}]}, "gloss 'x': expected once"),
        ({"subset": {"00101": {"subset": "holdout", "action": [0, 1, 2]}}}, r"00101\.subset: .*found 'holdout'"),
        ({"subset": {"00101": {"subset": "val", "action": [-1, 1, 2]}}}, r"00101\.action\.0: .*found -1"),
        ({"subset": {"00101": {"subset": "val", "action": [0]}}}, r"00101\.action"),
        ({"subset": {}}, "expected at least one clip"),
        ({"subset": SUBSET, "class_list": "1\tbook"}, "line 1: expected 0, a tab and the gloss, found '1 book'"),
        ({"subset": {"1": {"subset": "val", "action": [4, 1, 2]}}, "class_list": "0\tbook"}, "names of 5 classes"),
    ],
)
def test_wrong_files_are_named_with_the_key(
    source: Callable[..., WlaslSource], keys: dict[str, Any], expected: str
) -> None:
    with pytest.raises(TableError, match=expected):
        read(source(**keys))


def test_every_wrong_value_is_listed_at_once(source: Callable[..., WlaslSource]) -> None:
    bad = [{"video_id": f"{n}", "split": "none", "frame_start": 0} for n in range(3)]
    with pytest.raises(TableError) as error:
        read(source([{"gloss": "x", "instances": bad}]))
    assert len(error.value.problems) == 6


def test_one_video_under_two_glosses_of_the_manifest_is_refused(source: Callable[..., WlaslSource]) -> None:
    twice = [{"gloss": gloss, "instances": [{"video_id": "1", "split": "train"}]} for gloss in "ab"]
    with pytest.raises(TableError, match="video_id 1: expected once"):
        read(source(twice))


def test_missing_label_file(source: Callable[..., WlaslSource], tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"gone\.json.*\n.*cannot read the file: No such file"):
        read(source(MANIFEST).model_copy(update={"manifest": tmp_path / "gone.json"}))


def test_segment_that_ends_before_it_starts(source: Callable[..., WlaslSource]) -> None:
    wrong = [{"gloss": "x", "instances": [{"video_id": "1", "split": "val", "frame_start": 50, "frame_end": 20}]}]
    with pytest.raises(TableError, match=r"clip 1: end: expected seconds after start"):
        read(source(wrong, trimmed=False))
