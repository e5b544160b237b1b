"""The benchmark on keypoint sets: what it makes of the data, and that a small set runs through all its stages."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks import real_signing, real_signing_linear, real_signing_sets
from benchmarks.real_signing_report import spread, write_report
from benchmarks.real_signing_sets import SetClip, landmarks, official_fold, signer_folds
from camfuse.skeleton import LEFT_HAND, MIRROR, RIGHT_HAND


def made_clip(number: int, label: str, signer: str, split: str = "train") -> SetClip:
    """A body and a right hand whose index finger points up (`up`) or sideways, jittered a little."""
    random = np.random.default_rng(number)
    keypoints = np.full((6, 133, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    keypoints[:, 5], keypoints[:, 6] = (220, 100, 1), (100, 100, 1)
    steps = np.linspace(0, 60, 21)
    finger = [np.zeros(21), -steps] if label == "up" else [steps, np.zeros(21)]
    hand = np.stack(finger, axis=1) + np.array([120, 200])
    keypoints[:, RIGHT_HAND, :2] = hand + random.normal(0, 1, (6, 21, 2))
    keypoints[:, RIGHT_HAND, 2] = 1
    return SetClip(f"clip{number}", label, signer, split, keypoints, 320, 240)


def test_landmarks_are_pixels_and_zeros_are_not_seen() -> None:
    points = np.zeros((2, 21, 3), np.float16)
    points[1, 0] = 0.5, 0.25, 0.1
    rows = landmarks(points, 640, 480)
    assert (rows[0, :, 2] == 0).all()
    assert rows[1, 0].tolist() == [319.5, 119.5, 1]


def test_linear_features_do_not_depend_on_place_size_or_the_hand() -> None:
    clip = made_clip(1, "up", "a").keypoints
    moved = clip * (2, 2, 1) + np.array([30, -20, 0])
    np.testing.assert_allclose(
        real_signing_linear.features(moved), real_signing_linear.features(clip), rtol=1e-4, atol=1e-4
    )
    mirrored = clip[:, MIRROR].copy()
    mirrored[..., 0] = 319 - mirrored[..., 0]
    shape = slice(-2 * len(LEFT_HAND), None)  # the last 42 columns of each part: the hand that is seen more
    one, other = (real_signing_linear.features(k).reshape(8, -1)[:, shape] for k in (clip, mirrored))
    assert np.abs(one).max() > 0.5
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_ridge_parts_what_a_line_parts() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    rows = random.normal(0, 0.2, (60, 5)) + np.eye(5)[labels] * 3
    found, _ = real_signing_linear.predict(rows[:30], labels[:30], ["a", "b", "c"] * 10, rows[30:])
    assert (found == labels[30:]).all()


def test_folds() -> None:
    clips = [made_clip(n, "up", "ab"[n % 2], ["train", "test"][n // 2]) for n in range(4)]
    assert [(fold.name, sorted(fold.test)) for fold in signer_folds(clips)] == [
        ("a", ["clip0", "clip2"]),
        ("b", ["clip1", "clip3"]),
    ]
    assert [sorted(fold.test) for fold in official_fold(clips)] == [["clip2", "clip3"]]


@pytest.mark.parametrize("name", real_signing.SETS)
def test_recipes_are_configs_that_see_each_set(name: str, tmp_path: Path) -> None:
    config = real_signing.recipe(real_signing.SETS[name], tmp_path, 3, ["train.pose.epochs=2"])
    assert (config.seed, config.train.pose.epochs) == (3, 2)
    assert config.train.pose.repeat == real_signing.SETS[name].repeat


@pytest.mark.slow
def test_a_small_set_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [made_clip(n, ("up", "side")[n % 2], "abc"[n // 8]) for n in range(24)]
    monkeypatch.setitem(real_signing_sets.READERS, "nepali", lambda _: clips)
    changes = ["train.pose.epochs=12", "train.pose.ema=0", "model.pose.channels=8", "evaluate.samplings=1"]
    config = real_signing.recipe(real_signing.SETS["nepali"], tmp_path / "nepali", 1, changes)
    (outcome,) = real_signing.run_set("nepali", config, tmp_path, ["c"])
    assert (outcome["train"], outcome["test"], outcome["linear"], outcome["pose"]) == (16, 8, 1.0, 1.0)
    weights = tmp_path / "nepali" / "folds" / "c" / "seed1" / "train" / "best.ckpt"
    before = weights.stat().st_mtime_ns
    assert list(real_signing.run_set("nepali", config, tmp_path, ["c"])) == [outcome]
    assert weights.stat().st_mtime_ns == before
    report = write_report(tmp_path, real_signing.SETS, [1])
    assert "1.00 -> 1.00" not in report  # one fold: no list of folds
    assert "**1.000** |" in report  # one seed: no spread


def test_spread_is_that_of_the_seeds_that_have_every_fold() -> None:
    done = [
        {"seed": s, "fold": f, "pose": p} for s, f, p in ((1, "a", 0.5), (1, "b", 0.7), (2, "a", 0.9), (2, "b", 0.7))
    ]
    assert spread(done, ["a", "b"]) == " ± 0.141"  # of 0.6 and 0.8
    assert spread([*done, {"seed": 3, "fold": "a", "pose": 0.0}], ["a", "b"]) == " ± 0.141"
    assert spread(done[:2], ["a", "b"]) == ""


def test_real_sets_become_keypoints(shared_data: Path) -> None:
    expected = {"adrlfv": (750, 15, 1), "holistic": (540, 3, 7), "wlasl": (142, 10, 35), "nepali": (490, 49, 6)}
    for name, (count, words, signers) in expected.items():
        clips = real_signing_sets.READERS[name](shared_data / "keypoints")
        assert (len(clips), len({c.label for c in clips}), len({c.signer for c in clips})) == (count, words, signers)
        for clip in clips[:: count // 7]:
            seen = clip.keypoints[..., 2] > 0
            assert seen.any() and np.isfinite(clip.keypoints[seen]).all() and clip.keypoints.shape[1:] == (133, 3)
