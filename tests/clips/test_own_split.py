"""Whether signers or labels are split, and what is said of it."""

import pandas as pd
import pytest

from camfuse.clips.own_split import OwnSplit, signer_problems, split_rows

SHARES = (0.7, 0.15, 0.15)


def table(*clips: tuple[str, str]) -> pd.DataFrame:
    """Return clips of these signers and labels."""
    signers, labels = zip(*clips, strict=True)
    return pd.DataFrame({"clip_id": [f"c{n}" for n in range(len(clips))], "label": labels, "signer": signers})


def every(signers: str, labels: str) -> pd.DataFrame:
    return table(*((who, label) for who in signers for label in labels))


def people(rows: pd.DataFrame, splits: list[str]) -> dict[str, set[str]]:
    return {str(split): set(group["signer"]) for split, group in rows.assign(split=splits).groupby("split")}


def test_known_signers_are_kept_apart() -> None:
    rows = every("abcdef", "xyz")
    splits, notes = split_rows(rows, OwnSplit(SHARES))
    assert {split: len(who) for split, who in people(rows, splits).items()} == {"train": 4, "val": 1, "test": 1}
    assert notes == [
        "Signers are kept apart: 4 in train, 1 in val, 1 in test, with 0.67 / 0.17 / 0.17 of the clips "
        "(asked for: 0.7 / 0.15 / 0.15)."
    ]


def test_of_two_signers_one_is_tested_and_val_is_of_the_other() -> None:
    rows = every("ab", "xyz" * 4)
    splits, notes = split_rows(rows, OwnSplit(SHARES))
    apart = people(rows, splits)
    assert len(apart["test"]) == 1 and apart["train"] == apart["val"] == set("ab") - apart["test"]
    assert splits.count("test") == 12 and 0 < splits.count("val") < splits.count("train")
    assert notes[0].startswith("Signers are kept apart: 1 in train, 0 in val, 1 in test")
    assert notes[1] == "There is no signer left for val: each label's training clips are split into train and val."


def test_two_splits_need_two_signers_only() -> None:
    rows = every("ab", "xyz")
    splits, notes = split_rows(rows, OwnSplit((0.5, 0.0, 0.5)))
    assert set(splits) == {"train", "test"} and len(notes) == 1


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (every("a", "xyz"), "for all clips are of one signer: expect the people of the test to be in training too"),
        (every(" ", "xyz").assign(signer=""), "for no clip has a signer: expect"),
        (table(("a", "x"), ("", "x"), ("b", "y")), "for 1 of 3 clips has no signer: expect"),
    ],
)
def test_else_each_label_is_split_and_that_is_said(rows: pd.DataFrame, why: str) -> None:
    _, (note,) = split_rows(rows, OwnSplit(SHARES, remedy="Do so."))
    assert note.startswith(f"Each label is split 0.7 / 0.15 / 0.15 by itself, {why}")
    assert note.endswith("Do so.") == ("no" in why)


def test_one_signer_fills_the_one_split_that_is_wished() -> None:
    assert split_rows(every("a", "xyz"), OwnSplit((1.0, 0.0, 0.0)))[0] == ["train"] * 3


def test_labels_that_nobody_in_training_signs_are_named() -> None:
    rows = table(*((who, f"{who}{n}") for who, count in (("a", 5), ("b", 1), ("c", 1)) for n in range(count)))
    splits, notes = split_rows(rows, OwnSplit(SHARES))
    assert people(rows, splits)["train"] == {"a"}
    assert notes[1].startswith("2 labels have no training clip, for nobody in train signs them: b0, c0.")


def test_what_keeps_the_signers_from_being_split_is_an_error_only_if_they_were_asked_for() -> None:
    asked = OwnSplit(SHARES, "signer", "Do so.")
    unknown, some, one = every("a", "xy").assign(signer=""), table(("a", "x"), ("", "x")), every("a", "xy")
    for rows in (unknown, some, one):
        assert signer_problems(rows, OwnSplit(SHARES)) == signer_problems(rows, OwnSplit(SHARES, "label")) == []
    assert signer_problems(unknown, asked) == [
        "by: `signer` needs to know who signs, found no signer of any clip. Do so."
    ]
    assert signer_problems(some, asked) == ["c1: by: `signer` needs the signer of every clip, found none of this one"]
    assert signer_problems(one, asked) == ["by: `signer` needs at least two signers, found only 'a'"]
    assert signer_problems(every("ab", "xy"), asked) == []
