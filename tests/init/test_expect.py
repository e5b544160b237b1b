"""What is said of a folder follows from its counts."""

from dataclasses import replace

import pandas as pd
import pytest

from camfuse.config import parse_config
from camfuse.config.computer import Computer
from camfuse.config.recipe import recipe_values
from camfuse.init.expect import Collection, expectations, word_counts
from camfuse.init.look import VideoFacts, Videos

LAPTOP = Computer(2, gpu=False)


def folder(each: int, words: int = 4, signers: int = 0, computer: Computer = LAPTOP) -> Collection:
    """Return a folder whose words have as many clips in train, and one each in val and test."""
    rows = pd.DataFrame(
        [
            {"video": f"{n}", "label": f"word {word}", "split": split, "signer": f"s{len(split)}" if signers else ""}
            for word in range(words)
            for n, split in enumerate((*["train"] * each, "val", "test"), (each + 2) * word)
        ]
    )
    return Collection(rows, Videos(len(rows), (VideoFacts("a", "a.mp4", 100, 4.0, 640, 480),)), computer)


def said(found: Collection) -> str:
    values = {"clips": {"folder": {"videos": "v"}}, "pose": {"mediapipe": {}}}
    return "\n".join(expectations(found, parse_config(recipe_values(found.counts, found.computer, values))))


def test_the_counts_of_the_recipe() -> None:
    counts = folder(3).counts
    assert (counts.train, counts.val, counts.words) == (12, 4, 4)


def test_times_and_model_of_a_laptop() -> None:
    text = said(folder(12, words=8))
    assert "Poses: 11,200 frames by MediaPipe, about 5 minutes on 2 cores, once." in text
    assert "Model: sequence (docs/recipe.md)." in text
    assert "Training: 1,440 steps, about 86 s" in text
    assert "Test: 8 clips, 12.5 points each" in text


def test_a_gpu_and_many_clips_get_more_streams() -> None:
    assert "Model: pose + sequence (" in said(folder(30, words=50, computer=Computer(16, gpu=True)))


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (12, ": 96 %. Here there are 12.0 training clips a word."),
        (3, ": 87 %. Here there are 3.0 training clips a word."),
        (1, ": 73 %. Here there are 1.0 training clips a word."),
    ],
)
def test_the_hope_is_a_measurement_nearby(each: int, expected: str) -> None:
    assert expected in said(folder(each))


def test_where_words_are_never_trained_there_is_no_measurement() -> None:
    found = folder(1)
    untrained = (found.rows["split"] == "train") & (found.rows["label"] == "word 0")
    assert "With 0.8 training clips a word nothing has been measured" in said(
        replace(found, rows=found.rows[~untrained])
    )


@pytest.mark.parametrize(
    ("signers", "expected"),
    [(2, "its signers are not in training"), (0, "are in training too"), (0, "who signs is not known")],
)
def test_who_is_tested(signers: int, expected: str) -> None:
    assert expected in said(folder(3, signers=signers))


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ("ab", "cd", "its signers are not in training"),
        ("ab", "ac", "the people of 1 of its clips are in training too: only the others say"),
        ("ab", "ab", "the people of the test are in training too"),
        ("ab", "c ", "of 1 of its clips nobody knows whether their people are in training too"),
        ("a ", "cd", "who signs is not known, and presumably"),
    ],
)
def test_whom_a_given_split_tests(train: str, test: str, expected: str) -> None:
    rows = pd.DataFrame(
        [("x", split, who.strip()) for split, people in (("train", train), ("test", test)) for who in people],
        columns=["label", "split", "signer"],
    ).assign(video=list("1234"))
    text = said(Collection(rows, Videos(4, ()), LAPTOP, split_given=True))
    assert "\nSplit, as the table says: 2 in train, 0 in val, 2 in test.\n" in text
    assert f"Test: 2 clips, 50.0 points each; {expected}" in text


def test_of_a_given_split_words_without_training_are_named() -> None:
    rows = pd.DataFrame({"video": list("12"), "label": ["x", "y"], "split": ["train", "test"], "signer": ["a", "b"]})
    assert "  1 of 2 words has no training clip: it cannot be learned: y." in said(
        Collection(rows, Videos(2, ()), LAPTOP, split_given=True)
    )


def test_words_with_one_video_are_named() -> None:
    rows = pd.DataFrame({"video": list("xyz"), "label": list("aab"), "split": "train", "signer": ""})
    lines = list(word_counts(Collection(rows, Videos(3, ()), LAPTOP)))
    assert lines == [
        "3 videos of 2 words, 1 to 2 each.",
        "  a 2, b 1",
        "  1 word has a single video, which cannot train and test it: b.",
    ]


def test_of_many_words_the_poorest_are_shown() -> None:
    lines = list(word_counts(folder(2, words=50)))
    assert lines[1].startswith("  the fewest: word 0 4, ")
    assert lines[1].count(",") == 29


@pytest.mark.parametrize(("clips", "cores", "shards"), [(8, 4, 1), (95, 2, 4), (95, 64, 9), (6000, 2, 24)])
def test_shards_keep_the_cores_busy(clips: int, cores: int, shards: int) -> None:
    rows = pd.DataFrame({"label": ["a"] * clips, "split": "train", "signer": ""})
    assert Collection(rows, Videos(clips, ()), Computer(cores, gpu=False)).shards == shards


def test_words_without_a_test_clip_are_named_and_who_is_alone_in_a_split() -> None:
    rows = pd.DataFrame(
        [(word, split, signer) for word in ("a", "b", "c") for split, signer in (("train", "anna"), ("train", "eva"))]
        + [("a", "val", "ben"), ("b", "test", "carl")],
        columns=["label", "split", "signer"],
    )
    text = said(Collection(rows, Videos(len(rows), ()), LAPTOP))
    assert "\nTest: 1 clip, 100.0 points each; its signers are not in training.\n" in text
    assert "\n  All of test is by one person, carl, so that the result is that of one person.\n" in text
    assert "\n  2 of 3 words have no test clip: nothing measures them: a, c.\n" in text
    assert "All of val" not in text  # so few clips choose no epoch
    assert "no training clip" not in text


def test_where_people_are_not_kept_apart_nobody_is_said_to_be_alone() -> None:
    rows = pd.DataFrame({"label": list("aaab"), "split": ["train", "val", "test", "train"], "signer": list("xyxy")})
    assert "All of val" not in said(Collection(rows, Videos(4, ()), LAPTOP))


def test_broken_videos_are_no_clips_of_their_words() -> None:
    rows = pd.DataFrame(
        [
            (f"{word}--{n}", f"{word}/{n}.mp4", word, split, "")
            for word in "ab"
            for n, split in enumerate(("train", "train", "val", "test"))
        ],
        columns=["clip_id", "video", "label", "split", "signer"],
    )
    broken = tuple(VideoFacts(clip, "x.mp4", problem="cut off") for clip in ("a--0", "a--1", "b--3"))
    found = Collection(rows, Videos(8, broken), LAPTOP)
    assert list(word_counts(found))[2:] == [
        "  3 videos cannot be decoded, and the split counts them all the same: a 2 of 4, b 1 of 4.",
        "  Take them out, and the split is made without them.",
    ]
    text = said(found)
    assert "\nTest: 1 clip, 100.0 points each; " in text
    assert "\n  1 of 2 words has no test clip: nothing measures it: b.\n" in text
    assert "\n  1 of 2 words has no training clip: it cannot be learned: a.\n" in text
    assert "With 1.0 training clips" in text or "Here there are 1.0 training clips a word." in text
