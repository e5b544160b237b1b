import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from made_training import TINY, MadeRun, MakeRun, leave_out
from torch.nn import functional

from camfuse.clips.table import read_clips
from camfuse.data.dataset import ClipDataset
from camfuse.errors import ConfigError, StaleShardError, TableError, WeightsError
from camfuse.model import device
from camfuse.model.checkpoint import Checkpoint
from camfuse.model.recogniser import build_recogniser
from camfuse.predict.calibration import Calibration
from camfuse.run.stages import fingerprint
from camfuse.train.module import TrainingModule


class Killed(Exception):  # noqa: N818
    pass


def kill_in_epoch(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Let a training die in the second step of an epoch (from 1)."""
    step = TrainingModule.training_step

    def dying(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        if self.current_epoch + 1 == epoch and batch_idx == 1:
            raise Killed
        return step(self, batch, batch_idx)

    monkeypatch.setattr(TrainingModule, "training_step", dying)


def curves(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "curves.csv")


def assert_same_state(a: Path, b: Path) -> None:
    first, second = Checkpoint.load(a).state, Checkpoint.load(b).state
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert Checkpoint.load(a).numbers == Checkpoint.load(b).numbers


def with_phase(run: MadeRun, part: str, **keys: Any) -> MadeRun:
    train = run.config.train.model_dump(mode="json")
    return run.with_config(train={**train, part: {**train[part], **keys}})


# ------------------------------------------------------------------------------------------- what it leaves


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
def test_learns_the_made_classes(trained: MadeRun, part: str) -> None:
    table = curves(trained.config.output / "train" / part)
    last = table[(table["epoch"] == table["epoch"].max()) & (table["split"] == "val")]
    assert last["top1"].tolist() == [1.0] * len(last)


def test_curves_are_tidy(trained: MadeRun) -> None:
    table = curves(trained.config.output / "train" / "fusion")
    assert list(table) == ["epoch", "split", "head", "loss", "top1", "rate", "grad_norm"]
    expected = {
        (epoch, split, head)
        for epoch in (1, 2, 3)
        for split in ("train", "val")
        for head in ("rgb", "pose", "joint", "fused")
    }
    assert set(zip(table["epoch"], table["split"], table["head"], strict=True)) == expected
    train = table[table["split"] == "train"]
    assert (train["rate"] > 0).all()
    assert (train["grad_norm"] > 0).all()
    assert table[table["split"] == "val"][["rate", "grad_norm"]].isna().all(axis=None)


def test_best_checkpoint_is_whole_and_plain(trained: MadeRun) -> None:
    path = trained.config.output / "train" / "fusion" / "best.ckpt"
    values = torch.load(path, weights_only=True)
    assert values["classes"] == ["red", "null", "blue"]
    assert values["config"]["sampling"] == {"rgb_frames": 2, "pose_frames": 4, "part": None}
    best = Checkpoint.load(path)
    assert best.part == "fusion"
    assert best.fingerprint == fingerprint("train_fusion", trained.config)
    model = best.recogniser()
    assert not model.training
    assert best.parameters == sum(p.numel() for p in model.parameters())
    logits = model(torch.zeros(1, 3, 2, 32, 32, dtype=torch.uint8), torch.zeros(1, 133, 4, 8, 8, dtype=torch.uint8))
    assert {head: tuple(values.shape) for head, values in logits.items()} == {
        "rgb": (1, 3),
        "pose": (1, 3),
        "joint": (1, 3),
    }


def test_selection_is_highest_top1_then_lowest_loss(trained: MadeRun) -> None:
    folder = trained.config.output / "train" / "pose"
    table = curves(folder)
    val = table[(table["split"] == "val")].sort_values(["top1", "loss"], ascending=[False, True])
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best_epoch"] == val["epoch"].iloc[0]
    assert summary["numbers"]["val"]["pose"]["loss"] == pytest.approx(val["loss"].iloc[0])
    assert summary["clips"] == {"train": 12, "val": 6}
    assert Checkpoint.load(folder / "best.ckpt").epoch == summary["best_epoch"]


def test_logs_for_tensorboard_and_csv(trained: MadeRun) -> None:
    logs = trained.config.output / "train" / "fusion" / "logs"
    assert list((logs / "tensorboard").glob("events.*"))
    columns = set(pd.read_csv(logs / "from_epoch_1" / "metrics.csv"))
    assert {"val/fused/top1", "train/joint/loss", "objective", "rate", "grad_norm"} <= columns


def test_fusion_starts_from_the_streams(trained: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_in_epoch(monkeypatch, 99)
    seen: dict[str, torch.Tensor] = {}

    def look(self: TrainingModule) -> None:
        seen.update({key: value.clone() for key, value in self.model.state_dict().items()})
        raise Killed

    monkeypatch.setattr(TrainingModule, "on_train_epoch_start", look)
    parts = {part: trained.config.output / "train" / part / "best.ckpt" for part in ("rgb", "pose")}
    with pytest.raises(Killed):
        trained.train("fusion", tmp_path, init=tuple(parts.values()))
    for part, path in parts.items():
        state = Checkpoint.load(path).state
        assert all(torch.equal(seen[key], state[key]) for key in state), part


# ------------------------------------------------------------------------------------------- same seed, resume


@pytest.fixture
def small(make_run: MakeRun, tmp_path: Path) -> MadeRun:
    train = {part: {"epochs": 4, "batch": 4, "rate": 0.01, "base_batch": 4, "repeat": 2} for part in ("rgb", "pose")}
    fusion = {"epochs": 3, "batch": 5, "rate": 0.001, "base_batch": 5, "repeat": 2}
    return make_run(tmp_path / "run", {"train": 3, "val": 1, "test": 1}, train={**train, "fusion": fusion})


@pytest.mark.parametrize("part", ["rgb", "fusion"])
def test_same_seed_same_bits(small: MadeRun, tmp_path: Path, part: str) -> None:
    a, b = small.train(part, tmp_path / "a"), small.train(part, tmp_path / "b")
    assert (a / "curves.csv").read_bytes() == (b / "curves.csv").read_bytes()
    assert_same_state(a / "best.ckpt", b / "best.ckpt")
    other = small.with_config(seed=7).train(part, tmp_path / "c")
    assert (a / "curves.csv").read_bytes() != (other / "curves.csv").read_bytes()


def test_workers_change_nothing(small: MadeRun, tmp_path: Path) -> None:
    a = small.train("rgb", tmp_path / "a")
    b = small.with_config(machine={"device": "cpu", "workers": 2}).train("rgb", tmp_path / "b")
    assert (a / "curves.csv").read_bytes() == (b / "curves.csv").read_bytes()


@pytest.mark.parametrize(("part", "epoch", "ema"), [("pose", 2, 0.9), ("fusion", 3, 0.0)])
def test_killed_training_resumes_as_if_never_stopped(
    small: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, epoch: int, ema: float
) -> None:
    small = with_phase(small, part, ema=ema)
    whole = small.train(part, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, epoch)
        with pytest.raises(Killed):
            small.train(part, tmp_path / "killed")
    killed = tmp_path / "killed"
    assert not (killed / "best.ckpt").exists()
    assert curves(killed)["epoch"].max() == epoch - 1
    (killed / "curves.csv").unlink()  # as the workflow does with the outputs of a failed job
    small.train(part, killed)
    assert (killed / "curves.csv").read_bytes() == (whole / "curves.csv").read_bytes()
    assert_same_state(killed / "best.ckpt", whole / "best.ckpt")
    assert (killed / "logs" / f"from_epoch_{epoch}").is_dir()


def test_finished_training_only_writes_its_results_again(
    small: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small.train("rgb", tmp_path / "a")
    before = (folder / "best.ckpt").read_bytes(), (folder / "curves.csv").read_bytes()
    (folder / "best.ckpt").unlink()
    (folder / "curves.csv").unlink()
    Calibration(2.0, 0.5, 0.1).save(folder)  # of a test before
    kill_in_epoch(monkeypatch, 1)
    small.train("rgb", folder)
    assert ((folder / "best.ckpt").read_bytes(), (folder / "curves.csv").read_bytes()) == before
    assert Calibration.beside(folder / "best.ckpt") == Calibration()


def test_other_config_or_clips_start_anew(small: MadeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = small.train("rgb", tmp_path / "a")
    fresh = small.with_config(seed=5).train("rgb", tmp_path / "fresh")
    with caplog.at_level(logging.INFO, logger="camfuse"):
        small.with_config(seed=5).train("rgb", folder)
    assert "training starts anew" in caplog.text
    assert (folder / "curves.csv").read_bytes() == (fresh / "curves.csv").read_bytes()
    caplog.clear()
    table = small.clips / "clips.csv"  # a label is corrected: same config, other meaning
    table.write_text(table.read_text().replace("train-0-0,red,0,", "train-0-0,blue,2,"))
    with caplog.at_level(logging.INFO, logger="camfuse"):
        small.with_config(seed=5).train("rgb", folder)
    assert "training starts anew" in caplog.text
    assert (folder / "curves.csv").read_bytes() != (fresh / "curves.csv").read_bytes()


def test_damaged_state_starts_anew(small: MadeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "last.ckpt").write_bytes(b"half a file")
    folder = small.train("rgb", tmp_path / "a")
    assert "cannot be resumed" in caplog.text
    assert (folder / "best.ckpt").exists()


@pytest.mark.bad_input(
    "a training's last state damaged or cut off", "noticed before use; training resumes from the state before it"
)
def test_the_state_before_a_damaged_one_is_taken(
    small: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole, killed = small.train("pose", tmp_path / "whole"), tmp_path / "killed"
    assert not (whole / "before_last.ckpt").exists()
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 3)
        with pytest.raises(Killed):
            small.train("pose", killed)
    state = bytearray((killed / "last.ckpt").read_bytes())
    state[len(state) // 2] ^= 1
    (killed / "last.ckpt").write_bytes(state)
    with caplog.at_level(logging.INFO, logger="camfuse"):
        small.train("pose", killed)
    assert "its SHA-256 is not the one that it was written with" in caplog.text
    assert "resumes from the state before it" in caplog.text and "resumes from epoch 2" in caplog.text
    assert (killed / "curves.csv").read_bytes() == (whole / "curves.csv").read_bytes()
    assert_same_state(killed / "best.ckpt", whole / "best.ckpt")


# ------------------------------------------------------------------------------------------- small and odd data


@pytest.mark.parametrize("counts", [{"train": 2}, {"train": 2, "val": 1}], ids=["none", "all left out"])
def test_without_val_clips_the_last_epoch_is_kept(
    make_run: MakeRun, tmp_path: Path, caplog: pytest.LogCaptureFixture, counts: dict[str, int]
) -> None:
    run = make_run(tmp_path / "run", counts)
    leave_out(run, "val")
    folder = run.train("rgb")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["best_epoch"] == summary["epochs"] == 5
    assert summary["selection"] == "last epoch: without validation"
    assert "the last epoch is kept" in caplog.text
    assert set(curves(folder)["split"]) == {"train"}


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
def test_batch_of_one_and_batch_larger_than_the_data(make_run: MakeRun, tmp_path: Path, part: str) -> None:
    one = {"epochs": 1, "repeat": 1, "batch": 1, "rate": 0.001, "base_batch": 1}
    many = {**one, "batch": 64}
    for name, phase in (("one", one), ("many", many)):
        run = make_run(
            tmp_path / name,
            {"train": 1, "val": 1},
            num_classes=2,
            train=dict.fromkeys(("rgb", "pose", "fusion"), phase),
        )
        folder = run.train(part)
        assert curves(folder)["loss"].notna().all()


def test_words_kept_out_must_be_labels(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 1, "val": 1}, train={**TINY["train"], "unknown_words": ["bleu", "red"]})
    with pytest.raises(ConfigError, match=r"train\.unknown_words: expected labels of .*classes\.csv, found bleu$"):
        run.train("rgb")


def test_single_class_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"train": 2, "val": 1}, num_classes=1)
    with pytest.raises(ConfigError, match=r"at least two classes .* found 1"):
        run.train("rgb")


def test_no_training_clip_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {"val": 1, "test": 1})
    with pytest.raises(TableError, match="at least one clip of split `train`"):
        run.train("rgb")


def test_loss_that_is_no_number_stops_the_training(make_run: MakeRun, tmp_path: Path) -> None:
    wild = {"epochs": 3, "repeat": 2, "batch": 4, "rate": 1e30, "base_batch": 4, "warmup": 0.0, "clip_norm": 1e30}
    run = make_run(tmp_path / "run", {"train": 2, "val": 1}, train=dict.fromkeys(("rgb", "pose", "fusion"), wild))
    with pytest.raises(ConfigError, match=r"train\.rgb: the loss of epoch \d is nan .*lower train\.rgb\.rate"):
        run.train("rgb")
    assert not (tmp_path / "run" / "train" / "rgb" / "best.ckpt").exists()


def test_gpu_that_is_not_there(trained: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=r"expected 1 CUDA device\(s\), found 0"):
        trained.with_config(machine={"device": "cuda"}).train("rgb", tmp_path)


# ------------------------------------------------------------------------------------------- wrong files


def test_init_of_another_training_is_refused(trained: MadeRun, tmp_path: Path) -> None:
    rgb, pose = (trained.config.output / "train" / part / "best.ckpt" for part in ("rgb", "pose"))
    with pytest.raises(WeightsError, match="expected a checkpoint of part rgb, found pose"):
        trained.train("fusion", tmp_path, init=(pose, rgb))
    with pytest.raises(WeightsError, match="no such checkpoint"):
        trained.train("fusion", tmp_path, init=(rgb, tmp_path / "missing.ckpt"))
    with pytest.raises(WeightsError, match="expected a checkpoint of each of rgb, pose, found 1"):
        trained.train("fusion", tmp_path, init=(rgb,))
    with pytest.raises(WeightsError, match=r"expected fingerprint .* train rgb again"):
        trained.with_config(seed=9).train("fusion", tmp_path, init=(rgb, pose))


def test_stale_shards_are_refused(trained: MadeRun, tmp_path: Path) -> None:
    with pytest.raises(StaleShardError):
        trained.with_config(heatmaps={"sigma": 2.0}).train("pose", tmp_path)


def test_random_weights_are_those_of_the_seed(small: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    def look(self: TrainingModule) -> None:
        seen.append(self.model.state_dict()["head_rgb.fc.weight"].clone())
        raise Killed

    monkeypatch.setattr(TrainingModule, "on_train_epoch_start", look)
    for number in range(2):
        torch.rand(3)  # whatever ran before must not matter
        with pytest.raises(Killed):
            small.train("rgb", tmp_path / str(number))
    assert torch.equal(*seen)
    torch.manual_seed(small.config.seed)
    expected = build_recogniser(small.config.model, num_classes=3, part="rgb").state_dict()["head_rgb.fc.weight"]
    assert torch.equal(seen[0], expected)


# ------------------------------------------------------------------------------------------- averaged weights


def test_validation_and_best_use_the_averaged_weights(small: MadeRun, tmp_path: Path) -> None:
    folder = with_phase(small, "rgb", ema=0.9).train("rgb", tmp_path / "a")
    best = Checkpoint.load(folder / "best.ckpt")
    trained = torch.load(folder / "best_so_far.ckpt", weights_only=False)["state_dict"]
    changed = [key for key in best.state if not torch.equal(best.state[key], trained[f"model.{key}"])]
    assert {"head_rgb.fc.weight", "rgb.layer4.0.conv1.conv.weight", "rgb.layer1.0.conv1.bn.running_var"} <= {*changed}
    rows = read_clips(small.clips / "clips.csv")
    val = rows[rows["split"] == "val"]
    data = ClipDataset(val, small.run, part="rgb", augment=False)
    samples = [data[index] for index in range(len(data))]
    with torch.inference_mode():
        logits = best.recogniser()(torch.cat([sample["rgb"] for sample in samples]), None)["rgb"]
    loss = functional.cross_entropy(logits, torch.stack([sample["label"] for sample in samples]))
    assert float(loss) == pytest.approx(best.numbers["val"]["rgb"]["loss"], rel=1e-5)


def in_auto(run: MadeRun, part: str, **keys: Any) -> MadeRun:
    train = run.config.train.model_dump(mode="json") | {"precision": "auto"}
    return with_phase(run.with_config(train=train), part, **keys)


@pytest.mark.parametrize("part", ["pose", pytest.param("fusion", marks=pytest.mark.slow)])
def test_auto_is_what_it_comes_to_and_16_bits_give_the_same_bits_again(
    small: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    runs = {}
    for able in (True, False):
        monkeypatch.setattr(device, "computes_bf16", lambda kind, able=able: able)
        runs[able] = in_auto(small, part, ema=0.9).train(part, tmp_path / str(able))
    precision = {able: json.loads((folder / "summary.json").read_text())["precision"] for able, folder in runs.items()}
    assert precision == {True: "bf16-mixed", False: "32-true"}
    assert {able: Checkpoint.load(folder / "best.ckpt").precision for able, folder in runs.items()} == precision
    plain = with_phase(small, part, ema=0.9).train(part, tmp_path / "plain")
    assert (runs[False] / "curves.csv").read_bytes() == (plain / "curves.csv").read_bytes()
    assert (runs[True] / "curves.csv").read_bytes() != (plain / "curves.csv").read_bytes()
    monkeypatch.setattr(device, "computes_bf16", lambda kind: True)
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 2)
        with pytest.raises(Killed):
            in_auto(small, part, ema=0.9).train(part, tmp_path / "again")
    again = in_auto(small, part, ema=0.9).train(part, tmp_path / "again")  # resumed
    assert (runs[True] / "curves.csv").read_bytes() == (again / "curves.csv").read_bytes()
    assert_same_state(runs[True] / "best.ckpt", again / "best.ckpt")


def test_auto_resumes_on_a_machine_of_another_arithmetic_and_says_so(
    small: MadeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(device, "computes_bf16", lambda kind: True)
    with monkeypatch.context() as patch:
        kill_in_epoch(patch, 3)
        with pytest.raises(Killed):
            in_auto(small, "pose").train("pose", tmp_path)
    before = curves(tmp_path)
    monkeypatch.setattr(device, "computes_bf16", lambda kind: False)
    with caplog.at_level(logging.WARNING, logger="camfuse"):
        in_auto(small, "pose").train("pose", tmp_path)
    assert "trained in bf16-mixed until now, resumes in 32-true" in caplog.text
    pd.testing.assert_frame_equal(curves(tmp_path).head(len(before)), before)


def test_bf16_step_on_a_cpu(small: MadeRun, tmp_path: Path) -> None:
    train = small.config.train.model_dump(mode="json") | {"precision": "bf16-mixed"}
    folder = with_phase(small.with_config(train=train), "fusion", epochs=1).train("fusion", tmp_path / "a")
    assert curves(folder)["grad_norm"].dropna().gt(0).all()
    best = Checkpoint.load(folder / "best.ckpt")
    assert all(value.dtype != torch.bfloat16 for value in best.state.values())
