"""A guess of who signs is made of what many names look like, and is none where it may be wrong."""

import pytest

from camfuse.init.signers import guess_signers, why_no_guess

WORDS, PEOPLE = ("hello", "thanks"), ("anna", "ben")


def named(form: str, words: tuple[str, ...] = WORDS, people: tuple[str, ...] = PEOPLE) -> list[str]:
    return [form.format(word=word, who=who, n=n) for word in words for who in people for n in (1, 2)]


FORMS = (
    *("{word}/{who}/{n}.mp4", "{word}/{who}{n}.mp4", "{word}/{who}_{n}.mov", "{word}/{who}-{word}-{n}.mp4"),
    *("{word}/{n}_{who}.mp4", "{word}/{word}_{n}_{who}.mp4", "{word}/{who} {n}.MP4"),
)


@pytest.mark.parametrize("form", FORMS)
def test_people_are_found(form: str) -> None:
    found = guess_signers(named(form))
    assert found is not None
    assert found.clips == {"anna": 4, "ben": 4}


def test_numbered_people_are_found() -> None:
    found = guess_signers(named("{word}/signer{who}_sample{n}.mp4", people=("01", "02", "03")))
    assert found is not None and sorted(found.clips) == ["01", "02", "03"]


@pytest.mark.parametrize(
    "paths",
    [
        named("{word}/{n}{who}x.mp4", people=("",)),  # one name only
        named("{word}/{word}_{n}.mp4"),  # the words themselves
        [f"{word}/clip_{word[0]}{n}.mp4" for word in WORDS for n in range(4)],  # another for each word
        [*named("{word}/{who}_{n}.mp4"), "hello/7.mp4"],  # one clip names nobody
        [f"{word}/{n}-{word[0]}{n}.mp4" for word in WORDS for n in range(4)],  # as many as clips
    ],
)
def test_what_may_be_wrong_is_no_guess(paths: list[str]) -> None:
    assert guess_signers(paths) is None


def test_people_of_one_word_each_are_no_guess_and_the_pattern_is_named() -> None:
    paths = [f"{word}/{word[0]}{who}/{n}.mp4" for word in WORDS for who in PEOPLE for n in (1, 2)]
    assert guess_signers(paths) is None
    said = why_no_guess(paths)
    assert "(hanna, hben, tanna, tben), but only 0 of 4 sign more than one word" in said
    assert said.endswith("give --signer '^[^/]+/([^/]+)/'")


def test_where_nobody_is_named_an_example_says_how() -> None:
    said = why_no_guess(named("{word}/{word}_{n}.mp4"))
    assert said.startswith("nothing in the names looks like people: a guess needs somebody's name in every path")
    assert "'^[^/]+/([^/]+)/' finds anna in hello/anna/1.mp4" in said
