"""Who is tested, by the column signer of a clip table."""

import pandas as pd
import pytest

from camfuse.clips.signers import SignerCounts, count_signers, given_split_notes, without_placeholders


def clips(*signers: str) -> pd.DataFrame:
    return pd.DataFrame({"signer": signers}, dtype=str)


@pytest.mark.parametrize(
    ("tested", "trained", "unseen", "seen", "unknown"),
    [
        (("ann", "ann", "ben"), ("cy", "dee"), 3, 0, 0),
        (("ann", "cy"), ("cy", "ann"), 0, 2, 0),
        (("ann", "cy", "", ""), ("cy", "cy"), 1, 1, 2),
        (("", ""), ("", ""), 0, 0, 2),
        (("ann", "cy"), ("cy", ""), 0, 1, 1),  # the clip without a signer may be ann's
        (("ann", "ben"), (), 0, 0, 2),  # nobody says who was trained on
    ],
)
def test_counts(tested: tuple[str, ...], trained: tuple[str, ...], unseen: int, seen: int, unknown: int) -> None:
    assert count_signers(clips(*tested), clips(*trained)) == SignerCounts(unseen, seen, unknown)


def test_what_holds_of_all() -> None:
    assert SignerCounts(3, 0, 0).of_all() == "unseen"
    assert SignerCounts(0, 3, 0).of_all() == "seen"
    assert SignerCounts(0, 0, 3).of_all() == "unknown"
    assert SignerCounts(0, 1, 3).of_all() is None


def given(train: str, test: str) -> list[str]:
    """Return what is said of these signers' clips, a letter each; a blank is a clip without one."""
    rows = [{"signer": one.strip(), "split": split} for split, who in (("train", train), ("test", test)) for one in who]
    return given_split_notes(pd.DataFrame(rows), "Name them.")


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ("ab", "c", []),
        ("", "c", []),  # nothing is trained on
        (" ", "", []),  # nothing is tested
        (
            "abb",
            "bac",
            [
                "2 of 3 clips of test are by people who are in training too: a, b; only the other 1 says how new "
                "people are recognised."
            ],
        ),
        (
            "a",
            "a",
            [
                "1 of 1 clip of test is by people who are in training too: a; nothing says how new people are "
                "recognised."
            ],
        ),
        (
            "  ",
            "  ",
            [
                "Whether the people of test are in training too is not known for 2 of 2 clips: 4 of 4 clips have no "
                "signer. Name them."
            ],
        ),
        (
            "ab",
            "c ",
            [
                "Whether the people of test are in training too is not known for 1 of 2 clips: 1 of 4 clips has no "
                "signer. Name them."
            ],
        ),
    ],
)
def test_a_given_split_is_said_to_test_whom(train: str, test: str, said: list[str]) -> None:
    assert given(train, test) == said


def test_names_of_nobody_are_nobody() -> None:
    assert without_placeholders(["anna", "", "Na", "nan", "NA"]) == (
        ["anna", "", "Na", "", ""],
        [
            "2 clips have the signer 'NA' / 'nan', which is taken to mean that nobody knows who signs; if it is "
            "somebody's name, write it otherwise."
        ],
    )
    assert without_placeholders(["unknown"])[1][0].startswith("1 clip has the signer 'unknown', which is taken")
    assert without_placeholders(["anna", "ben", ""]) == (["anna", "ben", ""], [])
