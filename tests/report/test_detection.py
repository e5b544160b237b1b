"""How often body, face and hands were found."""

from tests.report.page_text import Text


def test_the_detection_rates(text: Text) -> None:
    """By hand: body 4 of 4 frames, face 2, left hand 1, right hand 0; 15 clips of 4 frames."""
    keypoints = text.sections["keypoints"]
    assert "the 60 frames of 15 clips" in keypoints
    assert "body 100.00 100.00 100.00 0" in keypoints
    assert "face 50.00 50.00 50.00 0" in keypoints
    assert "left hand 25.00 25.00 25.00 0" in keypoints
    assert "right hand 0.00 0.00 0.00 15" in keypoints
    assert "test_0_0 4 100.00 50.00 25.00 0.00" in keypoints
