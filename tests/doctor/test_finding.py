"""A line of the doctor, with its remedy below."""

from camfuse.doctor.finding import Finding


def test_a_line() -> None:
    assert str(Finding("ok", "torch", "2.13")) == "ok      torch             2.13"


def test_the_remedy_stands_below() -> None:
    line, remedy = str(Finding("missing", "ffmpeg", "none", "install it")).split("\n")
    assert line.startswith("missing ffmpeg")
    assert remedy.strip() == "install it" and remedy.index("install") == line.index("none")
