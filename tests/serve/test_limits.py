"""What an upload may be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from camfuse.errors import ClipError
from camfuse.serve.limits import Limits, check_video


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"seconds": 0.5}, "expected at most 0.5 s and 3600 frames"),
        ({"frames": 19}, "and 19 frames, found more"),
        ({"pixels": 8000}, "expected frames of at most 8000 pixels, found 128 x 64"),
    ],
)
def test_too_long_or_too_large(video: Path, limit: dict[str, Any], message: str) -> None:
    check_video(video, Limits())
    with pytest.raises(ClipError, match=message):
        check_video(video, replace(Limits(), **limit))


def test_no_video(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no video")
    with pytest.raises(ClipError, match="cannot decode"):
        check_video(tmp_path / "text", Limits())
