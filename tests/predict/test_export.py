"""A model as one file: equal to the checkpoint, all that prediction needs inside, nobody's places."""

import json
import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from made_training import PAPER, MadeRun, MakeConfig, MakeRun
from torch.nn.functional import softmax

from camfuse.config import Crops, Part, SequenceAugment, parse_config, plain_values
from camfuse.data.sampling import sampled_part
from camfuse.data.sequence import normalise
from camfuse.data.sequence_views import plain_channels
from camfuse.errors import WeightsError
from camfuse.jpeg import decode_jpeg
from camfuse.predict import export
from camfuse.predict.calibration import Calibration
from camfuse.predict.enrolled import EnrolledWords
from camfuse.predict.export import SUFFIXES, TOLERANCE, Form, export_model, made_inputs
from camfuse.predict.facts import ModelFacts
from camfuse.predict.feature_space import FeatureSpace, checkpoint_hash
from camfuse.predict.network import open_network
from camfuse.predict.recognise import TrainedModel
from camfuse.predict.torch_network import TorchNetwork
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.crops import dropped_keypoints, zero_keypoints
from camfuse.prep.heatmaps import drawn_keypoints
from camfuse.skeleton import LEFT_HAND, RIGHT_HAND

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def files(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> dict[Part, Path]:
    """Every part of the made run as ONNX, the last with a calibration."""
    folder = tmp_path_factory.mktemp("exported")
    made = {part: folder / f"{part}.onnx" for part in PAPER}
    for part, path in made.items():
        assert export_model(trained.run.training(part).best, path, "onnx") < TOLERANCE
    return made


@pytest.mark.slow
@pytest.mark.parametrize("part", PAPER)
def test_onnx_gives_the_models_probabilities(files: dict[Part, Path], trained: MadeRun, part: Part) -> None:
    model, exported = open_network(trained.run.training(part).best), open_network(files[part])
    for seed in range(3):
        given = made_inputs(model.facts, seed)
        ours, theirs = model.probabilities(given), exported.probabilities(given)
        assert list(ours) == list(theirs) == list(exported.facts.heads)
        for head, values in ours.items():
            np.testing.assert_allclose(theirs[head], values, atol=TOLERANCE)
        one = {name: values[:1] for name, values in given.items()}
        assert all(len(values) == 1 for values in exported.probabilities(one).values())


@pytest.mark.slow
def test_a_sequence_alone_is_exported_too(make_run: MakeRun, tmp_path: Path) -> None:
    model = {"rgb": None, "pose": None, "sequence": {"frames": 8, "width": 8, "depth": 1}}
    phase = {"epochs": 1, "repeat": 1, "batch": 4, "rate": 0.001, "base_batch": 4}
    train = {"sequence": phase, "precision": "bf16-mixed"}  # a file computes in float32, and is compared with that
    run = make_run(tmp_path / "run", {"train": 2, "test": 3}, model=model, train=train).train("sequence")
    for form, suffix in SUFFIXES.items():
        assert export_model(run / "best.ckpt", tmp_path / f"model{suffix}", form) < TOLERANCE
        facts = open_network(tmp_path / f"model{suffix}").facts
        assert facts.config.model.streams == ("sequence",) and dict(facts.heads) == {"sequence": 1.0}
    np.save(tmp_path / "keypoints.npy", signing())
    example = ROOT / "docs" / "use_exported_sequence.py"
    words = said_by(example, tmp_path / "model.onnx", tmp_path / "keypoints.npy")
    model = TrainedModel(open_network(tmp_path / "model.onnx"), estimator="annotations")
    frames = ClipFrames([b""] * 60, np.arange(60) / 30, 480, 640, 30)
    expected = model.probabilities("any", frames, signing())
    assert words == pytest.approx(dict(zip(model.classes, expected, strict=True)), abs=1e-3)


def signing(seed: int = 0, frames: int = 60) -> np.ndarray:
    """Return keypoints of somebody whose right hand goes up and down, with points that are lost for short and long."""
    rng, keypoints = np.random.default_rng(seed), np.ones((frames, 133, 3), np.float32)
    keypoints[..., :2] = rng.normal((300, 250), 40, (133, 2)) + rng.normal(0, 1, (frames, 133, 2))
    keypoints[:, [5, 6], :2] = (400, 200), (220, 200)
    lower = 250 * (1 - np.sin(np.linspace(0, np.pi, frames)).clip(0.3, 0.9))
    keypoints[:, [10, *RIGHT_HAND], 1] += lower[:, None]
    for lost, hand in ((slice(20, 24), RIGHT_HAND), (slice(0, 9), LEFT_HAND), (slice(35, 50), LEFT_HAND)):
        keypoints[lost, list(hand)] = (np.nan, np.nan, 0)
    keypoints[rng.uniform(size=(frames, 133)) < 0.1] = 0
    return keypoints


@pytest.mark.parametrize("seed", range(3))
def test_the_example_reads_keypoints_as_the_sequence_stream_does(seed: int) -> None:
    """With a hand that is lost for a moment, one that is lost for long, one that is never seen, and hands alone."""
    channels = runpy.run_path(str(ROOT / "docs" / "use_exported_sequence.py"))["channels"]
    keypoints = signing(seed)
    unseen = keypoints.copy()
    unseen[:, list(LEFT_HAND)] = (np.nan, np.nan, 0)
    for given, mirror in product((keypoints, keypoints[:20], unseen, hands_of(keypoints)), (0, 0.5)):
        augment = {"sequence_augment": {"mirror": mirror}}
        facts = {"config": {"model": {"sequence": {"frames": 48}}, "train": augment}}
        expected = plain_channels(normalise(given), 48, SequenceAugment(mirror=mirror), 12)
        np.testing.assert_allclose(channels(given, facts, 12), expected, atol=1e-4)


def test_the_example_answers_as_the_package_combines() -> None:
    """Heads of unlike weight, several samplings, and a temperature that makes less sure."""
    answer = runpy.run_path(str(ROOT / "docs" / "use_exported_sequence.py"))["answer"]
    logits = np.random.default_rng(0).normal(0, 3, (2, 4, 5)).astype(np.float32)
    calibration, weights = Calibration(temperature=1.7), {"pose": 1.0, "joint": 3.0}
    heads = {head: softmax(torch.from_numpy(one), 1).numpy() for head, one in zip(weights, logits, strict=True)}
    config = parse_config({"clips": {"folder": {"videos": "."}}, "pose": {"annotations": {}}})
    expected = ModelFacts("fusion", tuple("abcde"), config, "f", weights, calibration).combined(heads)
    facts = {"heads": list(weights), "weights": weights, "calibration": asdict(calibration)}
    np.testing.assert_allclose(answer(list(logits), facts), expected, atol=1e-6)


def hands_of(keypoints: np.ndarray) -> np.ndarray:
    """Return keypoints as the stage `crops` leaves them with `keep: hands`."""
    return zero_keypoints(keypoints, dropped_keypoints(Crops(keep="hands")))


@pytest.mark.parametrize("keypoints", [*map(signing, range(3)), hands_of(signing(3))])
def test_the_example_draws_hands_and_samples_frames_as_the_package(
    keypoints: np.ndarray, make_config: MakeConfig
) -> None:
    for config in (make_config(), make_config(heatmaps={"hands": "zoomed"}, sampling={"part": "active"})):
        facts = {"config": json.loads(json.dumps(plain_values(config)))}
        example = runpy.run_path(str(ROOT / "docs" / "use_exported_sequence.py"))
        ours, theirs = drawn_keypoints(keypoints, config), example["drawn"](keypoints, facts)
        seen = np.isfinite(ours).all(-1) & (ours[..., 2] > 0)
        np.testing.assert_allclose(theirs[seen], ours[seen], atol=1e-3)
        assert not (np.isfinite(theirs).all(-1) & (theirs[..., 2] > 0) & ~seen).any()
        part = sampled_part(keypoints, config.sampling)
        assert tuple(example["sampled"](keypoints, facts)) == (part[0], part[-1])


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_enrolled_words_travel(trained: MadeRun, tmp_path: Path, form: Form) -> None:
    """With where they lie, and nothing of their single clips; the answers are the checkpoint's."""
    folder, file = tmp_path / "pose", tmp_path / f"model{SUFFIXES[form]}"
    shutil.copytree(trained.run.training("pose").folder, folder)
    network = TorchNetwork.load(folder / "best.ckpt", "cpu")
    weights, rng = checkpoint_hash(folder / "best.ckpt"), np.random.default_rng(0)
    seen = np.concatenate([network.features(made_inputs(network.facts, seed)) for seed in range(4)])
    clips = seen.repeat(3, 0) + rng.normal(0, 0.1, (3 * len(seen), seen.shape[1])).astype(np.float32)
    FeatureSpace.of(weights, clips, np.arange(len(clips)) % 2, 3).save(folder)  # the third word has no clip
    words = EnrolledWords(weights).with_clips("new", clips[:2]).with_clips("newer", clips[5:6])
    words.save(folder)
    assert export_model(folder, file, form) < TOLERANCE
    for only in (False, True):
        own, exported = (open_network(path, only_enrolled=only) for path in (folder, file))
        assert own.facts.classes == exported.facts.classes and exported.facts.classes[-2:] == ("new", "newer")
        for seed in range(4, 7):
            given = made_inputs(own.facts, seed)
            expected, found = own.probabilities(given)["words"], exported.probabilities(given)["words"]
            np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_without_enrolled_words_there_are_none_alone(files: dict[Part, Path]) -> None:
    with pytest.raises(WeightsError, match="expected enrolled words, found none"):
        open_network(files["rgb"], only_enrolled=True)


@pytest.mark.slow
def test_a_torch_program_gives_them_too(trained: MadeRun, tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    export_model(trained.config.output, file, "torch")
    model, exported = open_network(trained.config.output), open_network(file)
    given = made_inputs(model.facts, 1)
    for head, values in exported.probabilities(given).items():
        np.testing.assert_allclose(values, model.probabilities(given)[head], atol=TOLERANCE)
    assert exported.facts.classes == model.facts.classes
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt2"]


def test_the_facts_travel_and_the_places_do_not(files: dict[Part, Path], trained: MadeRun) -> None:
    facts, own = open_network(files["fusion"]).facts, open_network(trained.config.output).facts
    assert (facts.part, facts.classes, facts.fingerprint) == (own.part, own.classes, own.fingerprint)
    assert facts.heads == own.heads
    for section in ("seed", "pose", "frames", "crops", "heatmaps", "sampling", "model", "evaluate"):
        assert getattr(facts.config, section) == getattr(own.config, section), section
    content = files["fusion"].read_bytes()
    assert str(trained.config.output).encode() not in content and b"nowhere" not in content


def test_a_calibration_travels(trained: MadeRun) -> None:
    network = open_network(trained.config.output)
    assert isinstance(network, TorchNetwork)
    chosen = Calibration(1.7, 0.3, 0.1, dict.fromkeys(network.facts.heads, 0.5))
    facts = type(network.facts).of("fusion", network.facts.classes, network.facts.values()["config"], "f", chosen)
    again = type(facts).from_values(json.loads(json.dumps(facts.values())), Path("x"))
    assert again.calibration == chosen and again.heads == dict.fromkeys(network.facts.heads, 0.5)


def test_a_file_that_differs_is_not_written(trained: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_difference", lambda *given: 0.01)
    with pytest.raises(WeightsError, match=r"differs from the model by 1\.0e-02"):
        export_model(trained.run.training("pose").best, tmp_path / "m.pt2", "torch")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_exported_again(files: dict[Part, Path], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="exported already"):
        export_model(files["rgb"], tmp_path / "again.onnx", "onnx")


@pytest.mark.parametrize("form", ["onnx", "torch"])
@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04"])
def test_a_damaged_file_is_refused(tmp_path: Path, form: Form, content: bytes) -> None:
    file = tmp_path / f"m{SUFFIXES[form]}"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="not a whole"):
        open_network(file)


def test_a_cut_off_file_is_refused(files: dict[Part, Path], tmp_path: Path) -> None:
    file = tmp_path / "cut.onnx"
    file.write_bytes(files["rgb"].read_bytes()[:10_000])
    with pytest.raises(WeightsError, match="not a whole ONNX file"):
        open_network(file)


def test_a_foreign_model_is_refused(tmp_path: Path) -> None:
    program = torch.onnx.export(torch.nn.ReLU().eval(), (torch.zeros(2),), dynamo=True, verbose=False)
    assert program is not None
    program.save(tmp_path / "foreign.onnx")
    with pytest.raises(WeightsError, match="found a file without its facts"):
        open_network(tmp_path / "foreign.onnx")


@pytest.mark.slow
def test_it_is_used_where_there_is_no_torch(
    files: dict[Part, Path], trained: MadeRun, shared_data: Path, tmp_path: Path
) -> None:
    blocked = "import sys\nfor name in ('torch', 'pytorch_lightning', 'torchmetrics'): sys.modules[name] = None\n"
    (tmp_path / "sitecustomize.py").write_text(blocked)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    video = shared_data / "clips" / "faults" / "odd_321x241.mp4"
    command = [sys.executable, "-m", "camfuse", "predict", str(files["fusion"]), str(video), "--format", "csv"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4
    checkpoint = [*command[:4], str(trained.run.training("fusion").best), str(video)]
    done = subprocess.run(checkpoint, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "needs torch, which is not installed" in done.stderr


def test_the_example_needs_nothing_of_this_package(files: dict[Part, Path], trained: MadeRun, tmp_path: Path) -> None:
    run = trained.run
    clip_id = run.clips()["clip_id"].iloc[0]
    shard = run.shard("crops", run.shard_of(clip_id))
    images = [decode_jpeg(one, "crop") for one in shard.jpeg(clip_id)]
    np.savez(tmp_path / "clip.npz", crops=np.stack(images), keypoints=shard.read("keypoints", clip_id))
    example = ROOT / "docs" / "use_exported.py"
    assert len(example.read_text().splitlines()) <= 25 and "camfuse." not in example.read_text()
    words = said_by(example, files["fusion"], tmp_path / "clip.npz")
    assert set(words) == set(run.classes())
    assert sum(words.values()) == pytest.approx(1, abs=0.01)


def said_by(example: Path, *arguments: Path) -> dict[str, float]:
    """Return the words and probabilities that an example prints; it is run without this package."""
    command = [sys.executable, str(example), *map(str, arguments)]
    said = subprocess.run(command, cwd=arguments[-1].parent, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return {word: float(value) for word, value in (line.split() for line in said.stdout.splitlines())}
