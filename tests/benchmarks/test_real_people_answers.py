"""The rows of real people that a GPU trained: which answers make a row, who chooses, and what the weights see."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
from benchmarks.real_people_answers import STREAMS, Answers, device_rows, inner_weights

SURE, UNSURE = [0.9, 0.1], [0.5, 0.5]
FOLDS = {"a": (0, 1), "b": (2, 3), "c": (4, 5)}
LABELS = (0, 1) * 3


def write(folder: Path, group: str, part: str, variant: str, *, right: bool, name: str = "asl8", seed: int = 1) -> None:
    """Write what a training said, of its fold's clips or, trained on one group only, of all others."""
    own = FOLDS[group.removeprefix("only_")]
    test = own if group in FOLDS else tuple(row for rows in FOLDS.values() for row in rows if row not in own)
    labels = [LABELS[row] for row in test]
    said = [(SURE if label == 0 else SURE[::-1]) if right else UNSURE for label in labels]
    content = {
        "set": name,
        "group": group,
        "seed": seed,
        "part": part,
        "variant": variant,
        "test": test,
        "labels": labels,
        "probabilities": {part: said},
        "train_right": {part: 1.0},
    }
    with (folder / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


def test_the_other_set_chooses_between_candidates(tmp_path: Path) -> None:
    for group in FOLDS:
        for variant in ("pose.long", "pose.zoom"):
            write(tmp_path, group, "pose", variant, right=variant == "pose.long")
            write(tmp_path, group, "pose", variant, right=variant == "pose.zoom", name="asl24")
        write(tmp_path, group, "pose", "chosen", right=False, seed=2)
    row = device_rows(Answers(tmp_path / "answers.jsonl"), "asl8")["pose (GPU)"]
    assert row.right.shape == (2, 6)
    assert row.right[0].mean() == 0.5, "asl24 chose pose.zoom, which on asl8 knows nothing"


def test_a_seed_counts_only_with_all_its_folds(tmp_path: Path) -> None:
    for seed in (1, 2):
        for group in FOLDS:
            if (seed, group) != (2, "c"):
                write(tmp_path, group, "sequence", "sequence", right=True, seed=seed)
    assert device_rows(Answers(tmp_path / "answers.jsonl"), "asl8")["sequence (GPU)"].right.shape == (1, 6)


def test_weights_come_from_trainings_without_the_test_clips(tmp_path: Path) -> None:
    for group in FOLDS:
        for stream in ("rgb", "pose", "sequence"):
            # what was trained on group a alone finds rgb useless, the others find it the only one of use
            right = (stream == "sequence") == (group == "a")
            write(tmp_path, f"only_{group}", stream, "chosen" if stream != "sequence" else "sequence", right=right)
            write(tmp_path, group, stream, "chosen" if stream != "sequence" else "sequence", right=True)
    answers = Answers(tmp_path / "answers.jsonl")
    weights = inner_weights(answers, "asl8", {4, 5}, STREAMS)
    assert weights is not None
    assert weights == inner_weights(answers, "asl8", {2, 3}, STREAMS)
    assert inner_weights(answers, "asl8", {0, 1}, STREAMS)[2] < weights[2], "without those that trained on group a"
    assert "late fusion of RGB and pose and sequence, weights by cross-validation" in device_rows(answers, "asl8")
