"""An answer prints well, in a terminal and in a notebook, and turns into a table."""

import numpy as np

from camfuse.predict.answer import Sign, VideoAnswer

WORDS = ("book", "<b>", "null")


def sign(*values: float, known: bool = True, start: float = 0.0) -> Sign:
    return Sign(start, start + 1.5, WORDS, np.array(values, np.float32), known)


def test_the_best_words_come_first() -> None:
    one = sign(0.2, 0.5, 0.3)
    assert [label for label, _ in one.top()] == ["<b>", "null", "book"]
    assert len(one.top(1)) == 1 and one.label == "<b>"
    assert sign(0.2, 0.5, 0.3, known=False).label is None


def test_a_table_has_a_row_per_sign_and_word() -> None:
    answer = VideoAnswer("a.mp4", (sign(0.2, 0.5, 0.3), sign(0.9, 0.1, 0.0, start=2)), 90, 3.6)
    table = answer.to_pandas(top=2)
    assert table["label"].tolist() == ["<b>", "null", "book", "<b>"]
    assert table["rank"].tolist() == [1, 2, 1, 2]
    assert table["start"].tolist() == [0, 0, 2, 2]
    assert list(VideoAnswer("a.mp4", (), 90, 3.6).to_pandas()) == list(table)


def test_the_label_is_that_of_the_first_known_sign() -> None:
    unknown, known = sign(0.4, 0.3, 0.3, known=False), sign(0.9, 0.1, 0.0, start=2)
    assert VideoAnswer("a.mp4", (unknown, known), 90, 3.6).label == "book"
    assert VideoAnswer("a.mp4", (unknown,), 90, 3.6).label is None
    assert VideoAnswer("a.mp4", (), 90, 3.6).label is None


def test_it_prints_as_text() -> None:
    assert str(VideoAnswer("a.mp4", (sign(0.2, 0.5, 0.3),), 90, 3.6)) == "a.mp4: <b> 0.500  null 0.300  book 0.200"
    assert str(VideoAnswer("a.mp4", (), 90, 3.6)) == "a.mp4: no sign found in 3.60 s"
    two = str(VideoAnswer("a.mp4", (sign(0.2, 0.5, 0.3), sign(0.4, 0.3, 0.3, known=False, start=2)), 90, 3.6))
    assert two.splitlines()[2] == "     2.00 to    3.50 s: no known sign (book 0.400  <b> 0.300  null 0.300)"


def test_a_notebook_shows_it_without_running_what_is_in_names() -> None:
    html = VideoAnswer("<script>.mp4", (sign(0.2, 0.5, 0.3),), 90, 3.6)._repr_html_()
    assert "&lt;b&gt;" in html and "<script>" not in html and "50.0%" in html
    assert "no sign found" in VideoAnswer("a.mp4", (), 90, 3.6)._repr_html_()
