"""What the page says of the clip table."""

from made_run import EVIL

from tests.report.page_text import Text


def test_the_clips(text: Text) -> None:
    clips = text.sections["clips"]
    assert "train 6 3 1" in clips and "all 15 3 3" in clips
    assert "val 10 3 7 3" in clips
    assert "Classes without a clip in a split (1)" in clips and "water val 4" in clips
    assert "1 test_book_0 book test yes no yes" in clips
    assert f"The label {EVIL} is odd." in clips
    assert f"train_gone pose nobody seen {EVIL}" in clips
