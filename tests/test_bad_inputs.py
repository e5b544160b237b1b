"""The table of bad inputs in the docs is that of the tests."""

from bad_inputs import PAGE, page, rows


def test_the_page_is_made_from_the_tests() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/bad_inputs.py"


def test_every_row_says_what_is_given_and_what_becomes_of_it() -> None:
    found = rows()
    assert len(found) >= 20
    assert all(given and outcome and "|" not in given + outcome for given, outcome, _ in found)
