"""The benchmark of real people: its statistics and rows against answers worked out by hand, and a small run."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks import real_people
from benchmarks.messages import told
from benchmarks.real_people_grids import ROWS, Grids, task_of
from benchmarks.real_people_kept import Kept
from benchmarks.real_people_report import ANCHOR, Outcome, interval, mean_over_folds, paired_p, table
from benchmarks.real_people_rows import Scores, Task, chance, ridge, time_warping, warped_distances
from benchmarks.real_people_sets import People, PeopleSet, people
from camfuse.skeleton import RIGHT_HAND


def made_clip(number: int, upwards: bool) -> np.ndarray:
    """Shoulders, and a right hand that goes up or to the side."""
    rng = np.random.default_rng(number)
    keypoints = np.full((10, 133, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    keypoints[:, 5], keypoints[:, 6] = (220, 100, 1), (100, 100, 1)
    way = np.linspace(0, 100, 10)[:, None]
    hand = np.concatenate([150 + (not upwards) * way, 250 - upwards * way], 1)
    spread = np.stack([np.arange(21) % 4, -np.arange(21)], 1) * 3.0
    keypoints[:, RIGHT_HAND, :2] = hand[:, None] + spread + rng.normal(0, 1, (10, 21, 2))
    keypoints[:, RIGHT_HAND, 2] = 1
    return keypoints


def made_people() -> People:
    clips = [made_clip(number, number % 2 == 0) for number in range(8)]
    labels, signers = ["up", "side"] * 4, ["a"] * 4 + ["b"] * 4
    return made(clips, labels, signers)


def made(clips: list[np.ndarray], labels: list[str], signers: list[str]) -> People:
    test = {name: [signer == name for signer in signers] for name in "ab"}
    return people(clips, labels, signers, test, [(320, 320)] * len(clips))


def made_task() -> Task:
    found = made_people()
    return task_of(found, found.folds[0])


def test_folds_part_the_clips_by_signer() -> None:
    found = made_people()
    assert found.classes == ("side", "up")
    assert found.labels.tolist() == [1, 0] * 4
    name, train, test = found.folds[1]
    assert (name, train.tolist(), test.tolist()) == ("b", [0, 1, 2, 3], [4, 5, 6, 7])


def test_rows_that_look_at_the_clips_tell_the_two_signs_apart() -> None:
    task = made_task()
    assert chance(task, 1).shape == (4, 2)
    for row in (ridge, time_warping):
        assert row(task, 1).argmax(1).tolist() == [1, 0, 1, 0]


def test_warping_costs_nothing_where_only_the_speed_differs() -> None:
    clip = np.array([[0.0], [1.0], [2.0], [2.0]], np.float32)
    others = np.stack([np.array([[0.0], [0.0], [1.0], [2.0]]), clip + 1]).astype(np.float32)
    assert warped_distances(clip, others).tolist() == [0.0, 3.0]  # 0 to 1, and 2 to each 3


def test_paired_p_is_large_for_chance_and_small_for_many_clips_one_way() -> None:
    same = np.ones((3, 20), bool)
    assert paired_p(same, same) == 1.0
    worse = same.copy()
    worse[:, :10] = False
    assert paired_p(same, worse) < 0.01
    worse[:, 1:10] = True
    assert paired_p(same, worse) == 1.0  # one clip: its sign is either


def test_the_interval_is_about_the_mean_and_folds_count_the_same() -> None:
    right = np.array([[True] * 30 + [False] * 10])
    low, high = interval(right)
    assert 0.55 < low < 0.75 < high < 0.95
    assert mean_over_folds(Outcome(right, np.array([0] * 30 + [1] * 10), 1.0)) == 0.5


def test_the_table_has_the_means_and_the_difference() -> None:
    folds = np.zeros(4, np.int64)
    right = np.array([[True, True, True, False], [True, True, True, True]])
    outcomes = {ANCHOR: Outcome(right[:1], folds, 7.0), "other": Outcome(right, folds, 9.0)}
    page = table("a set", 2, outcomes)
    assert "4 test clips, 2 classes, chance 50.0" in page
    assert "| other | 87.5 ± 17.7 | 75.0 100.0 |" in page
    assert "+12.5 (p 1.000) | 9 |" in page


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    found, seen = made_people(), []

    def row(task: Task, seed: int) -> Scores:
        seen.append(seed)
        return chance(task, seed)

    first, _ = real_people.run(found, row, 1, tmp_path)
    assert seen == [1, 1]  # once a fold
    assert first.shape == (8,)
    again, _ = real_people.run(found, row, 1, tmp_path)
    assert len(seen) == 2
    assert (again == first).all()
    other = made(found.keypoints, list(reversed(["up", "side"] * 4)), found.signers)
    real_people.run(other, row, 1, tmp_path)
    assert len(seen) == 4


def test_other_settings_do_not_get_among_the_answers_of_the_recipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["real_people", "--data", "x", "--set", "seed=2", "--kept", "own.json"])
    with pytest.raises(SystemExit):
        real_people.parsed()
    assert "need --kept and --work of their own" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [*["real_people", "--data", "x", "--set", "seed=2"], "--kept", "k", "--work", "w"])
    assert real_people.parsed().set == ["seed=2"]


def test_answers_are_kept_clip_by_clip_and_not_taken_for_other_clips(tmp_path: Path) -> None:
    found, path = made_people(), tmp_path / "kept.json"
    right = np.array([True, False, True, True, False, True, True, True])
    Kept(path).add("set", found, "pose", 2, right, 5.0)
    beside = Kept(path)  # opened before the next line: what it adds is not lost, nor what others do
    Kept(path).add("set", found, "pose", 1, ~right, 7.0)
    beside.add("other", found, "pose", 1, right, 1.0)
    kept = Kept(path)
    assert kept.seeds("set", found, "pose") == [1, 2] and kept.seeds("other", found, "pose") == [1]
    outcome = kept.outcome("set", found, "pose")
    assert (outcome.right == np.stack([~right, right])).all()
    assert outcome.folds.tolist() == [0] * 4 + [1] * 4 and outcome.seconds == 6.0
    others = made(found.keypoints, list(reversed(["up", "side"] * 4)), found.signers)
    assert Kept(path).seeds("set", others, "pose") == []


def test_streams_on_grids_and_fusions_train_on_keypoints_without_a_video(tmp_path: Path) -> None:
    found = made_people()
    short = {"train": {part: {"epochs": 1, "repeat": 1} for part in ("pose", "sequence", "fusion")}}
    one = PeopleSet("made", lambda *_: found, "words")
    rows = Grids(one, found, tmp_path, short).rows()
    assert not [title for title in rows if title.startswith(("RGB", "all three"))]  # there are no images
    task = task_of(found, found.folds[0])
    alone = {stream: rows[stream](task, 1) for stream in ("pose", "sequence")}
    late = rows["pose + sequence, late"](task, 1)
    np.testing.assert_allclose(late, (alone["pose"] + 3 * alone["sequence"]) / 4)
    trained = sorted(path.parent.name for path in tmp_path.rglob("best.ckpt"))
    assert trained == ["pose", "sequence"]  # once, for three rows
    fused = rows["pose + sequence, ST-CAF"](task, 1)
    assert fused.shape == (4, 3) and fused.sum(1) == pytest.approx(1, abs=1e-5)
    assert fused[:, 2].tolist() == [0] * 4  # the column of clips that a stage refused


def test_a_fused_model_is_asked_with_each_way_of_messages(tmp_path: Path) -> None:
    found = made_people()
    short = {"train": {part: {"epochs": 1, "repeat": 1} for part in ("pose", "sequence", "fusion")}}
    grids = Grids(PeopleSet("made", lambda *_: found, "words"), found, tmp_path, short)
    run = grids.trained_run(ROWS["pose + sequence, ST-CAF"], task_of(found, found.folds[0]), 1)
    one = told(run)
    assert one.labels.tolist() == [1, 0, 1, 0]
    assert {head for _, head in one.answers} == {"pose", "sequence", "joint"}
    assert one.senders["of another word"][0] in (1, 3)
    assert all(answer.shape == (4,) for answer in one.answers.values())
    assert list(one.sizes) == ["pose, from the sequence", "sequence, from pose"]


def test_late_fusion_is_weighted_by_trainings_without_the_tested_signers(tmp_path: Path) -> None:
    found = made_people()
    names = ["a", "a", "b", "b", "c", "c", "c", "c"]
    three = people(
        found.keypoints,
        ["up", "side"] * 4,
        names,
        {"c": [name == "c" for name in names]},
        found.pictures,
    )
    tests = {"only_a": "bc", "only_b": "ac", "only_c": "ab"}
    inner = people(
        found.keypoints,
        ["up", "side"] * 4,
        names,
        {one: [name in of_it for name in names] for one, of_it in tests.items()},
        found.pictures,
    )
    short = {"train": {part: {"epochs": 1, "repeat": 1} for part in ("pose", "sequence")}}
    one = PeopleSet("made", lambda *_: three, "words")
    within = Grids(one, inner, tmp_path / "inner", short)
    assert not [title for title in within.rows() if "cross-validation" in title]
    rows = Grids(one, three, tmp_path / "outer", short, within).rows()
    task = task_of(three, three.folds[0])
    scores = rows["pose + sequence, late, weights by cross-validation"](task, 1)
    pose, sequence = (rows[stream](task, 1)[:, :2] for stream in ("pose", "sequence"))
    share = (scores[:, :2] - sequence) / (pose - sequence)
    assert share == pytest.approx(share.mean(), abs=1e-3) and 0 < share.mean() < 1  # one weight for all clips
    folds = sorted(path.name for path in (tmp_path / "inner").glob("*-1"))
    assert folds == ["only_a-1", "only_b-1"]  # who is tested was in no training


def test_a_clip_that_a_stage_refused_counts_as_wrong(tmp_path: Path) -> None:
    found = made_people()
    found.keypoints[0][..., :2], found.keypoints[0][..., 2] = np.nan, 0  # nobody there: stage crops refuses it
    short = {"train": {"pose": {"epochs": 1, "repeat": 1}}}
    rows = Grids(PeopleSet("made", lambda *_: found, "words"), found, tmp_path, short).rows()
    assert found.folds[0][2][0] == 0
    scores = rows["pose"](task_of(found, found.folds[0]), 1)
    assert scores[0].tolist() == [0, 0, 1]
    assert (scores[1:].argmax(1) < 2).all()


def test_the_sequence_row_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import real_people_sequence as sequence
    from camfuse.config import recipe

    monkeypatch.setattr(recipe, "FEWEST_STEPS", 48)
    monkeypatch.setattr(recipe, "VIEWS", 1)
    scores = sequence.sequence_stream(made_task(), 1)
    assert scores.sum(1) == pytest.approx(1, abs=1e-5)
    assert scores.argmax(1).tolist() == [1, 0, 1, 0]
    np.testing.assert_array_equal(scores, sequence.sequence_stream(made_task(), 1))


def test_the_sequence_row_is_trained_by_the_shipped_recipe(tmp_path: Path) -> None:
    """Its run has what `recipe: auto` makes of so many clips: the sequence stream alone, at its own defaults."""
    from benchmarks import real_people_sequence as sequence

    config = sequence.settings(tmp_path, 60, 24, 3, None)
    assert config.model.parts == ("sequence",)
    assert config.seed == 3 and config.train.sequence.keep == "last" and not config.train.validation
    assert config.train.sequence.epochs * config.train.sequence.repeat == 240
    other = sequence.settings(tmp_path, 60, 24, 3, tmp_path / "x.ckpt").model.sequence
    assert other is not None and other.weights is not None and other.weights.path == tmp_path / "x.ckpt"
