"""Adding words: the clips' features, where the trained words lie, and what is refused."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_training import MadeRun
from made_videos import write_numbers

from camfuse.errors import ClipError, WeightsError
from camfuse.predict import enroll as action
from camfuse.predict.enroll import clip_features, enroll, forget
from camfuse.predict.enrolled import FILE, EnrolledWords
from camfuse.predict.feature_space import FILE as SPACE
from camfuse.predict.feature_space import FeatureSpace, checkpoint_hash
from camfuse.predict.network import open_network
from camfuse.predict.recognise import TrainedModel
from camfuse.predict.torch_network import TorchNetwork


@pytest.fixture
def run(trained: MadeRun, walker: None, tmp_path: Path) -> MadeRun:
    """A copy of the finished run, which a test may add words to."""
    shutil.copytree(trained.config.output, tmp_path / "run")
    return trained.with_config(output=str(tmp_path / "run"))


def best(run: MadeRun, part: str = "fusion") -> Path:
    return run.config.output / "train" / part / "best.ckpt"


def test_an_enrolled_word_is_answered_beside_the_trained_ones(run: MadeRun, tmp_path: Path) -> None:
    clips = [write_numbers(tmp_path / f"{number}.mp4", 18 + number) for number in range(2)]
    words = enroll(run.config.output, "numbers", clips)
    assert words.labels == ("numbers",)
    checkpoint = best(run)
    assert {FILE, SPACE} <= {path.name for path in checkpoint.parent.iterdir()}
    with TrainedModel.load(run.config.output) as model:
        assert model.classes == ("red", "null", "blue", "numbers")
        (sign,) = model.predict(write_numbers(tmp_path / "again.mp4", 19)).signs
    assert sign.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert sign.classes[int(sign.probabilities.argmax())] == "numbers"
    with TrainedModel.load(run.config.output, only_enrolled=True) as model:
        assert model.classes == ("numbers",)


def test_the_trained_words_lie_where_their_clips_are(run: MadeRun, tmp_path: Path) -> None:
    enroll(run.config.output, "numbers", [write_numbers(tmp_path / "v.mp4", 20)])
    checkpoint = best(run)
    space = FeatureSpace.beside(checkpoint, checkpoint_hash(checkpoint))
    assert space is not None
    network = TorchNetwork.load(checkpoint, "cpu")
    rows = run.run.clips()
    test = rows[rows["split"] == "test"]
    features, labels = action.features_of_rows(run.run, network, test)
    assert ((space.place(features) @ space.means.T).argmax(1) == labels).mean() > 0.8


def test_words_kept_out_of_training_have_no_place(run: MadeRun) -> None:
    network = TorchNetwork.load(best(run, "pose"), "cpu")
    config = network.facts.config
    train = config.train.model_copy(update={"unknown_words": ("blue",)})
    network._facts = replace(network.facts, config=config.model_copy(update={"train": train}))
    space = action._lay_out(best(run, "pose"), network, "0")
    assert space is not None
    assert np.isfinite(space.means).all(1).tolist() == [True, True, False]


def test_more_clips_of_a_word_come_beside_the_first_and_it_can_be_forgotten(run: MadeRun, tmp_path: Path) -> None:
    clips = [write_numbers(tmp_path / f"{number}.mp4", 16 + number) for number in range(3)]
    enroll(best(run, "pose"), "numbers", clips[:1], whole=True)
    enroll(best(run, "pose"), "counting", clips[1:2])
    words = enroll(best(run, "pose"), "numbers", clips[2:])
    assert words.words == ("numbers", "counting", "numbers")
    forget(best(run, "pose"), " numbers ")
    assert open_network(best(run, "pose")).facts.classes[-1] == "counting"
    with pytest.raises(WeightsError, match=r"enrolled here \(counting\), found numbers"):
        forget(best(run, "pose"), "numbers")


def test_words_of_weights_that_are_no_more_can_be_forgotten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint = tmp_path / "best.ckpt"
    checkpoint.write_bytes(b"trained again")
    EnrolledWords("other weights", ("rain", "sun"), np.ones((2, 3), np.float32)).save(tmp_path)
    assert EnrolledWords.beside(checkpoint, "these").words == ()
    assert "since rain, sun were enrolled: enroll them again, or forget them" in caplog.text
    for word in ("rain", "sun"):
        forget(checkpoint, word)
    assert [path.name for path in tmp_path.iterdir()] == ["best.ckpt"]


def test_a_video_given_twice_counts_once(run: MadeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = [write_numbers(tmp_path / f"{number}.mp4", 16 + number) for number in range(2)]
    copy = shutil.copy(clips[0], tmp_path / "copy.mp4")
    words = enroll(best(run, "pose"), "numbers", [clips[0], Path(copy)])
    assert words.words == ("numbers",)
    assert f"{copy} is the same video as {clips[0]}: it counts once" in caplog.messages
    again = enroll(best(run, "pose"), " numbers ", clips)
    assert again.words == ("numbers", "numbers")
    assert f"{clips[0]} is enrolled as numbers already: it counts once" in caplog.messages
    with pytest.raises(WeightsError, match=rf"(?s)counting: .* 2 of 2 enrolled already; .*{clips[1]}: numbers"):
        enroll(best(run, "pose"), "counting", clips)
    assert enroll(best(run, "pose"), "numbers", clips).words == again.words


def test_without_the_runs_clips_added_words_are_answered_alone(
    run: MadeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alone = tmp_path / "given" / "best.ckpt"
    alone.parent.mkdir()
    shutil.copy(best(run), alone)
    enroll(alone, "numbers", [write_numbers(tmp_path / "v.mp4", 20)])
    assert "predict with --only-enrolled" in caplog.text
    assert not alone.with_name(SPACE).exists()
    with pytest.raises(WeightsError, match="--only-enrolled"):
        open_network(alone)
    assert open_network(alone, only_enrolled=True).facts.classes == ("numbers",)
    # given its run again, the same words are weighed against the others
    shutil.copy(alone.with_name(FILE), best(run).parent)
    enroll(run.config.output, "numbers", [write_numbers(tmp_path / "w.mp4", 21)])
    assert open_network(run.config.output).facts.classes[-1] == "numbers"


def test_one_bad_clip_adds_none(run: MadeRun, tmp_path: Path) -> None:
    good, bad = write_numbers(tmp_path / "good.mp4", 20), tmp_path / "bad.mp4"
    bad.write_bytes(b"no video")
    with pytest.raises(ClipError, match="bad"):
        enroll(run.config.output, "numbers", [good, bad])
    with pytest.raises(ClipError, match=r"(?s)2 of 3 videos cannot be enrolled, so none was.*bad\.mp4.*worse\.mp4"):
        enroll(run.config.output, "numbers", [bad, good, tmp_path / "worse.mp4"])
    assert not best(run).with_name(FILE).exists()


def test_a_trained_word_is_refused_before_any_clip_is_looked_at(run: MadeRun, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="red: the model was trained on it"):
        enroll(run.config.output, "red", [tmp_path / "missing.mp4"])
    with pytest.raises(WeightsError, match="Red: the model has the word red"):
        enroll(run.config.output, " Red", [tmp_path / "missing.mp4"])


def test_an_exported_model_takes_no_words(tmp_path: Path) -> None:
    exported = tmp_path / "signs.onnx"
    exported.write_bytes(b"a network")
    with pytest.raises(WeightsError, match=r"best\.ckpt, found a model that is exported already"):
        enroll(exported, "numbers", [tmp_path / "missing.mp4"])
    with pytest.raises(WeightsError, match="exported already"):
        forget(exported, "numbers")


def test_nothing_is_forgotten_where_nothing_is_enrolled(run: MadeRun) -> None:
    with pytest.raises(WeightsError, match="expected an enrolled word, found none"):
        forget(best(run), "numbers")
    with pytest.raises(WeightsError, match="red: the model was trained on it, and trained words cannot be forgotten"):
        forget(best(run), " red")


def test_a_clip_must_show_one_sign(run: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = TorchNetwork.load(best(run), "cpu")
    video = write_numbers(tmp_path / "v.mp4", 20)
    with TrainedModel(network) as model:
        whole = clip_features(model, network, video, whole=True)
        assert np.isfinite(whole).all()
        for count in (0, 2):
            monkeypatch.setattr(action, "find_spans", lambda frames, keypoints, n=count: [object()] * n)
            with pytest.raises(ClipError, match=f"expected one sign to enroll, found {count}"):
                clip_features(model, network, video, whole=False)


def test_words_of_a_model_that_was_trained_again_are_not_mixed(run: MadeRun, tmp_path: Path) -> None:
    video = write_numbers(tmp_path / "v.mp4", 20)
    enroll(run.config.output, "numbers", [video])
    with best(run).open("ab") as file:
        file.write(b"\0")  # other weights
    words = EnrolledWords.beside(best(run), checkpoint_hash(best(run)))
    assert words.words == ()


@pytest.mark.slow
def test_real_clips(trained: MadeRun, shared_data: Path, tmp_path: Path) -> None:
    """MediaPipe sees two clips of a word; a third is answered with it among the words."""
    pytest.importorskip("mediapipe")
    shutil.copytree(trained.config.output, tmp_path / "run")
    clips = [shared_data / "clips" / "asl" / "videos" / f"thanks_{number}.mp4" for number in ("03", "08", "09")]
    words = enroll(tmp_path / "run", "thanks", clips[:2], device="cpu")
    assert np.isfinite(words.features).all() and len(words.words) == 2
    with TrainedModel.load(tmp_path / "run") as model:
        (sign,) = model.predict(clips[2]).signs
    assert "thanks" in dict(sign.top())
    assert sign.probabilities.sum() == pytest.approx(1, abs=1e-5)
