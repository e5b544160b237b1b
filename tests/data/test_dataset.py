"""The dataset on shards made by hand: 4 clips of 6 to 20 frames, 32 px crops, 8 px heatmaps."""

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from made_shards import jpegs, write_shard
from made_training import MakeConfig
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from camfuse.config import Config, Part
from camfuse.data.augment import draw_augmentation, move_keypoints
from camfuse.data.batch import collate, dense
from camfuse.data.dataset import ClipDataset, Sample, single_threaded
from camfuse.data.inputs import clip_inputs
from camfuse.data.sampler import EpochSampler
from camfuse.data.sampling import sampled_part, training_frames
from camfuse.data.sequence import evenly, normalise
from camfuse.data.sequence_channels import NUM_CHANNELS, features
from camfuse.errors import AllLeftOutError, ShardError, StaleShardError
from camfuse.geometry import unseen_points
from camfuse.prep.arrays import ClipCrops
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.prep.heatmaps import render, render_clip
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData, LeftOut
from camfuse.skeleton import NUM_KEYPOINTS, RIGHT_HAND

SIZE, SIDE = 32, 8
LENGTHS = {"a": 6, "b": 9, "c": 20, "d": 13}
SHARDS = {"a": "0000", "b": "0001", "c": "0000", "d": "0001"}
CALM = {"scale": (1, 1), "rotate": 0, "shift": 0, "colour": 0, "span": 1}


def keypoints_of(clip: str) -> NDArray[np.float32]:
    rng = np.random.default_rng(ord(clip))
    keypoints = rng.uniform(0, SIZE, (LENGTHS[clip], NUM_KEYPOINTS, 3)).astype(np.float32)
    keypoints[..., 2] = rng.uniform(0.2, 1, keypoints.shape[:2])
    keypoints[:, 11:23] = 0
    keypoints[0, 91] = (np.nan, np.nan, 0)
    return keypoints


def images_of(clip: str) -> list[bytes]:
    """Frame t is one red: 10 t."""
    return jpegs((np.full((SIZE, SIZE, 3), (0, 0, 10 * t), np.uint8) for t in range(LENGTHS[clip])), quality=100)


@pytest.fixture
def config(make_config: MakeConfig) -> Config:
    made: Config = make_config(
        crops={"size": SIZE}, sampling={"rgb_frames": 2, "pose_frames": 4}, heatmaps={"sigma": 0.7}
    )
    return made


def write(folder: Path, config: Config, *, broken: bool = False) -> None:
    for shard in ("0000", "0001"):
        for stage in ("pose", "crops", "heatmaps"):
            clips: dict[str, ClipData | LeftOut] = {"lost": LeftOut("frames", "cannot be decoded")}
            clips = clips if shard == "0000" else {}
            clips |= {clip: clip_data(config, stage, clip, broken=broken) for clip in LENGTHS if SHARDS[clip] == shard}
            write_shard(folder / stage / f"{shard}.h5", stage, config, clips)


def clip_data(config: Config, stage: str, clip: str, *, broken: bool) -> ClipData:
    keypoints = keypoints_of(clip)
    if stage == "pose":
        return ClipData({"keypoints": keypoints})
    if stage == "heatmaps":
        return ClipData({"keypoints": keypoints, "volume": render_clip(keypoints, config)})
    return ClipData({"keypoints": keypoints}, [b"broken"] * LENGTHS[clip] if broken else images_of(clip))


def table(*more: str) -> pd.DataFrame:
    clips = [*LENGTHS, *more]
    shards = [SHARDS.get(clip, "0000") for clip in clips]
    return pd.DataFrame({"clip_id": clips, "shard": shards, "class_index": range(len(clips))})


def build(folder: Path, config: Config, **values: Any) -> ClipDataset:
    arguments: dict[str, Any] = {"part": "fusion", "augment": False} | values
    clips = arguments.pop("clips", table())
    return ClipDataset(clips, Run(config.model_copy(update={"output": folder})), **arguments)


def with_augment(config: Config, **values: Any) -> Config:
    changed = {"augment": config.train.augment.model_copy(update={**CALM, **values})}
    return config.model_copy(update={"train": config.train.model_copy(update=changed)})


def same(one: Sample, other: Sample) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)  # type: ignore[literal-required]


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
@pytest.mark.parametrize("augment", [True, False])
def test_shapes_types_and_what_each_part_reads(tmp_path: Path, config: Config, part: str, augment: bool) -> None:
    write(tmp_path, config)
    unused = {"rgb": "heatmaps", "pose": "crops"}.get(part)
    if unused:
        (tmp_path / unused).rename(tmp_path / "away")
    sample = build(tmp_path, config, part=part, augment=augment, samplings=3)[2]
    assert set(sample) == {"label", "index"} | ({"rgb"} if part != "pose" else set()) | (
        {"heatmaps"} if part != "rgb" else set()
    )
    if "rgb" in sample:
        assert sample["rgb"].shape == (3, 3, 2, SIZE, SIZE) and sample["rgb"].dtype == torch.uint8
    if "heatmaps" in sample:
        assert sample["heatmaps"].shape == (3, NUM_KEYPOINTS, 4, SIDE, SIDE)
        assert sample["heatmaps"].dtype == torch.uint8
    assert (sample["label"].item(), sample["index"].item()) == (2, 2)
    assert sample["label"].dtype == sample["index"].dtype == torch.int64


def test_rgb_and_heatmaps_show_the_same_frames(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    sample = build(tmp_path, config, samplings=2)[2]  # clip c, 20 frames
    volume = render(keypoints_of("c"), SIDE, config.heatmaps.sigma)
    for rgb, maps in zip(sample["rgb"], sample["heatmaps"], strict=True):
        red = [round(float(frame[0].float().mean()) / 10) for frame in rgb.transpose(0, 1)]
        frames = [
            int(np.argmin([np.abs(v.astype(int) - m.numpy()).sum() for v in volume])) for m in maps.swapaxes(0, 1)
        ]
        assert all(np.array_equal(volume[f], m.numpy()) for f, m in zip(frames, maps.swapaxes(0, 1), strict=True))
        assert red == [frames[1], frames[3]]  # the middle of each group of two
        assert [f // 5 for f in frames] == [0, 1, 2, 3]  # one per bin
        assert float(rgb[1:].float().max()) < 6  # red, not blue


def test_stored_and_rendered_volumes_agree(tmp_path: Path, config: Config) -> None:
    calm = with_augment(config)
    calm = calm.model_copy(update={"sampling": config.sampling.model_copy(update={"pose_frames": 6})})
    write(tmp_path, calm)
    stored = build(tmp_path, calm)[0]  # clip a has 6 frames: all of them, in order, either way
    rendered = build(tmp_path, calm, augment=True)[0]
    difference = stored["heatmaps"].int() - rendered["heatmaps"].int()
    assert difference.abs().max() <= 1
    assert stored["heatmaps"].max() > 200
    exact = render(keypoints_of("a"), SIDE, config.heatmaps.sigma, dtype=np.float32).swapaxes(0, 1)
    assert np.abs(stored["heatmaps"][0].numpy() / 255 - exact).max() <= 1 / 510 + 1e-6


def test_augmented_heatmaps_are_those_of_the_moved_keypoints(tmp_path: Path, config: Config) -> None:
    moving = with_augment(config, shift=0.1, rotate=25, scale=(0.8, 1.2), mirror=0.5, span=0.8, joint_dropout=0.1)
    write(tmp_path, moving)
    data = build(tmp_path, moving, part="pose", augment=True)
    for row, clip in enumerate(LENGTHS):
        rng = np.random.default_rng([moving.seed, 0, row])
        choice = training_frames(LENGTHS[clip], moving.sampling, 0.8, rng)
        augmentation = draw_augmentation(moving.train.augment, SIZE, NUM_KEYPOINTS, rng)
        moved = move_keypoints(keypoints_of(clip)[choice.pose], augmentation)
        expected = render(moved, SIDE, moving.heatmaps.sigma).swapaxes(0, 1)
        np.testing.assert_array_equal(data[row]["heatmaps"][0].numpy(), expected)


def zoomed(config: Config) -> Config:
    return config.model_copy(update={"heatmaps": config.heatmaps.model_copy(update={"hands": "zoomed"})})


def test_zoomed_hands_are_the_same_in_training_test_and_prediction(tmp_path: Path, config: Config) -> None:
    calm = zoomed(with_augment(config))
    calm = calm.model_copy(update={"sampling": config.sampling.model_copy(update={"pose_frames": 6})})
    write(tmp_path, calm)
    stored = build(tmp_path, calm)[0]["heatmaps"]  # clip a has 6 frames: all of them, in order, either way
    trained = build(tmp_path, calm, augment=True)[0]["heatmaps"]
    compact = build(tmp_path, calm, augment=True, compact=True)
    on_device = dense(collate([compact[0]]), calm)["heatmaps"][0]
    assert (stored.int() - trained.int()).abs().max() <= 1 and (stored.int() - on_device.int()).abs().max() <= 1
    crops = ClipCrops(images_of("a"), keypoints_of("a"), np.eye(2, 3))
    one = calm.model_copy(update={"evaluate": calm.evaluate.model_copy(update={"samplings": 1})})
    predicted = clip_inputs(one, "pose", "a", keypoints_of("a"), crops)["heatmaps"]
    np.testing.assert_array_equal(predicted, stored.numpy())
    in_place = render(keypoints_of("a"), SIDE, config.heatmaps.sigma).swapaxes(0, 1)
    assert (stored[0, 112:].numpy() != in_place[112:]).any() and stored[0, 112:].max() > 100
    np.testing.assert_array_equal(stored[0, :91].numpy(), in_place[:91])


def test_hands_are_zoomed_after_the_augmentation_by_the_factor_of_the_whole_clip(
    tmp_path: Path, config: Config
) -> None:
    moving = zoomed(with_augment(config, shift=0.1, rotate=25, scale=(0.8, 1.2), mirror=0.5, joint_dropout=0.1))
    write(tmp_path, moving)
    data = build(tmp_path, moving, part="pose", augment=True)
    for row, clip in enumerate(LENGTHS):
        for epoch in (0, 1):
            rng = np.random.default_rng([moving.seed, epoch, row])
            choice = training_frames(LENGTHS[clip], moving.sampling, 1, rng)
            moved = move_keypoints(
                keypoints_of(clip)[choice.pose], draw_augmentation(moving.train.augment, SIZE, NUM_KEYPOINTS, rng)
            )
            drawn = zoom_hands(moved, SIZE, hand_zoom(keypoints_of(clip), SIZE))
            expected = render(drawn, SIDE, moving.heatmaps.sigma).swapaxes(0, 1)
            np.testing.assert_array_equal(data[epoch, row]["heatmaps"][0].numpy(), expected)


def raised(frames: int) -> NDArray[np.float32]:
    """Return keypoints of somebody whose right hand is up in the frames 8 to 11."""
    keypoints = unseen_points(frames, NUM_KEYPOINTS)
    keypoints[:, [5, 6]] = (20, 10, 1), (10, 10, 1)
    keypoints[:, [10, *RIGHT_HAND]] = 10, 28, 1
    keypoints[8:12, [10, *RIGHT_HAND], 1] = 10
    return keypoints


@pytest.mark.parametrize("part", ["rgb", "pose", "fusion"])
def test_only_the_active_part_is_sampled(tmp_path: Path, config: Config, part: Part) -> None:
    """Of 20 frames those from 6 to 13: the hand is up in 8 to 11, and the margin is two frames."""
    active = with_augment(config, span=0.9)
    active = active.model_copy(update={"sampling": config.sampling.model_copy(update={"part": "active"})})
    keypoints = raised(20)
    times = np.arange(20)
    keypoints[:, 0] = np.column_stack([times * 1.5, times * 1.5, np.ones(20)])  # the nose tells which frame it is
    for stage in ("crops", "heatmaps"):
        more = images_of("c") if stage == "crops" else None
        frames = {"keypoints": keypoints} | ({} if more else {"volume": render_clip(keypoints, active)})
        write_shard(tmp_path / stage / "0000.h5", stage, active, {"c": ClipData(frames, more or [])})
    rows = table().query("clip_id == 'c'")
    nose = render_clip(keypoints, active)[:, 0]
    for augment in (True, False):
        data = build(tmp_path, active, part=part, clips=rows, augment=augment, samplings=30)
        sample, shown = data[0], {}
        if part != "pose":
            red = sample["rgb"][:, 0].float().mean((2, 3))  # (V, R)
            shown["rgb"] = {round(float(value) / 10) for value in red.flatten()}
        if part != "rgb":
            maps = sample["heatmaps"][:, 0].flatten(0, 1).numpy().astype(int)
            shown["pose"] = {int(np.abs(nose - one).sum((1, 2)).argmin()) for one in maps}
        assert all(frames <= set(range(6, 14)) for frames in shown.values()), shown
        assert shown.get("pose", {6, 13}) >= {6, 13}
    evaluate = active.evaluate.model_copy(update={"samplings": 30})
    crops = ClipCrops(images_of("c"), keypoints, np.eye(2, 3))
    made = clip_inputs(active.model_copy(update={"evaluate": evaluate}), part, "c", keypoints, crops)
    assert all(np.array_equal(values, sample[name].numpy()) for name, values in made.items())  # type: ignore[literal-required]


def test_a_clip_without_an_active_part_is_sampled_as_a_whole(tmp_path: Path, config: Config) -> None:
    active = config.model_copy(update={"sampling": config.sampling.model_copy(update={"part": "active"})})
    write(tmp_path, active)
    write(tmp_path / "whole", config)
    one, other = build(tmp_path, active, samplings=3)[2], build(tmp_path / "whole", config, samplings=3)[2]
    assert sampled_part(keypoints_of("c"), active.sampling) == range(20) and same(one, other)


def dot_frames(path: Path) -> NDArray[np.float32]:
    """Draw white discs and return their centres: in each of 12 frames somewhere else."""
    centres = np.random.default_rng(5).uniform(12, 20, (12, 2)).round(2)
    keypoints = np.full((12, NUM_KEYPOINTS, 3), np.nan, np.float32)
    keypoints[..., 2] = 0
    for t, (x, y) in enumerate(centres):
        image = np.zeros((SIZE, SIZE, 3), np.uint8)
        cv2.circle(image, (round(x * 256), round(y * 256)), 3 << 8, (255, 255, 255), -1, cv2.LINE_AA, 8)
        cv2.imwrite(str(path / f"{t}.png"), image)
        keypoints[t, 91] = (x, y, 1)
    return keypoints


def centroid(image: NDArray[Any]) -> NDArray[np.float64]:
    rows, columns = np.mgrid[: len(image), : len(image)]
    weight = image.astype(float)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


@pytest.mark.parametrize("augment", [True, False])
def test_a_dot_in_the_image_and_its_heatmap_stay_together(tmp_path: Path, config: Config, augment: bool) -> None:
    # colours stay as they are: contrast would lift the black around the dot
    moving = with_augment(config, shift=0.1, rotate=25, scale=(0.9, 1.1), mirror=0.5)
    moving = moving.model_copy(update={"sampling": config.sampling.model_copy(update={"rgb_frames": 4})})
    keypoints = dot_frames(tmp_path)
    jpeg = [(tmp_path / f"{t}.png").read_bytes() for t in range(12)]  # any coding that OpenCV reads
    for stage, data in (
        ("crops", ClipData(frames={"keypoints": keypoints}, jpeg=jpeg)),
        ("heatmaps", ClipData(frames={"keypoints": keypoints, "volume": render(keypoints, SIDE, 0.7)})),
    ):
        write_shard(tmp_path / stage / "0000.h5", stage, moving, {"a": data})
    dataset = build(tmp_path, moving, clips=table().head(1), augment=augment, repeat=20)
    distances, mirrored = [], 0
    for key in range(20):
        sample = dataset[key]
        rgb, maps = sample["rgb"][0, 0].numpy(), sample["heatmaps"][0].numpy()  # (4, S, S), (K, 4, Q, Q)
        joint = int(maps.sum((1, 2, 3)).argmax())
        mirrored += joint == 112
        dots = np.stack([centroid(image) for image in rgb])
        peaks = np.stack([(centroid(m) + 0.5) * 4 - 0.5 for m in maps[joint]])
        distances.append(np.abs(dots - peaks).max())
    assert max(distances) < 0.5
    assert (0 < mirrored < 20) if augment else mirrored == 0


def test_test_samples_are_the_same_in_every_run_whatever_the_seed_and_the_other_clips(
    tmp_path: Path, config: Config
) -> None:
    write(tmp_path, config)
    other = config.model_copy(update={"seed": 99})
    alone = build(tmp_path, other, clips=table().iloc[2:3], samplings=4)[0]
    among = build(tmp_path, config, samplings=4)[2]
    assert torch.equal(alone["heatmaps"], among["heatmaps"]) and torch.equal(alone["rgb"], among["rgb"])
    assert len({tuple(s.flatten().tolist()) for s in among["rgb"].float().mean((1, 3, 4))}) > 1


def test_training_samples_depend_on_seed_epoch_and_index(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    data = build(tmp_path, config, augment=True, repeat=3)
    assert len(data) == 12
    assert same(data[2], data[2])
    assert not torch.equal(data[2]["heatmaps"], data[2 + 4]["heatmaps"])  # the clip's second repeat
    assert not torch.equal(data[2]["heatmaps"], data[1, 2]["heatmaps"])  # the next epoch
    assert data[2 + 4]["index"] == data[1, 2]["index"] == 2
    other = build(tmp_path, config.model_copy(update={"seed": 5}), augment=True, repeat=3)
    assert not torch.equal(data[2]["heatmaps"], other[2]["heatmaps"])


def test_workers_change_nothing(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    data = build(tmp_path, config, augment=True, repeat=2)
    runs = []
    for workers in (0, 2):
        sampler = EpochSampler(data.labels, seed=1, repeat=2)
        loader = DataLoader(
            data,
            batch_size=3,
            sampler=sampler,
            num_workers=workers,
            worker_init_fn=single_threaded,
            persistent_workers=workers > 0,
        )
        batches = []
        for epoch in (0, 1):
            sampler.set_epoch(epoch)
            batches += list(loader)
        runs.append(batches)
    assert len(runs[0]) == len(runs[1]) == 6
    assert all(same(one, other) for one, other in zip(*runs, strict=True))
    assert runs[0][0]["rgb"].shape == (3, 1, 3, 2, SIZE, SIZE)
    epochs = [torch.cat([batch["index"] for batch in runs[0][i : i + 3]]) for i in (0, 3)]
    assert not torch.equal(*epochs)
    assert all(sorted(epoch.tolist()) == [0, 0, 1, 1, 2, 2, 3, 3] for epoch in epochs)


def test_clips_that_a_shard_left_out_are_named_and_dropped(
    tmp_path: Path, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, config)
    with caplog.at_level(logging.WARNING):
        data = build(tmp_path, config, clips=table("lost"))
    assert data.clips["clip_id"].tolist() == ["a", "b", "c", "d"]
    assert "1 of 5 clips" in caplog.text and "lost: frames: cannot be decoded" in caplog.text
    assert data.left_out == {"lost": LeftOut("frames", "cannot be decoded")}
    with pytest.raises(AllLeftOutError, match="found all left out"):
        build(tmp_path, config, clips=table("lost").tail(1))
    with pytest.raises(ShardError, match="found nothing of new; run the workflow again"):
        build(tmp_path, config, clips=table("new"))  # in the clip table since, but no stage has seen it


def test_stale_and_missing_shards_are_refused(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config)
    other = config.model_copy(update={"heatmaps": config.heatmaps.model_copy(update={"sigma": 1.0})})
    with pytest.raises(StaleShardError):
        build(tmp_path, other)
    assert len(build(tmp_path, other, part="rgb")) == 4  # the crops are still good
    (tmp_path / "heatmaps" / "0001.h5").unlink()
    with pytest.raises(ShardError, match="0001"):
        build(tmp_path, config, part="pose")


def test_a_image_that_is_none_names_its_clip(tmp_path: Path, config: Config) -> None:
    write(tmp_path, config, broken=True)
    with pytest.raises(ShardError, match=r"crop \d+ of a is not a JPEG"):
        build(tmp_path, config, part="rgb")[0]


# ------------------------------------------------------------------------------------------- three streams

SEQUENCE: dict[str, Any] = {"sequence": {"frames": 12}}


def three(make_config: MakeConfig, **model: Any) -> Config:
    made: Config = make_config(
        crops={"size": SIZE}, sampling={"rgb_frames": 2, "pose_frames": 4}, heatmaps={"sigma": 0.7}, model=model
    )
    return made


@pytest.mark.parametrize("augment", [True, False])
def test_a_third_stream_adds_its_channels_and_leaves_the_others_as_they_are(
    tmp_path: Path, make_config: MakeConfig, config: Config, augment: bool
) -> None:
    write(tmp_path, config)
    without = build(tmp_path, config, augment=augment, samplings=3)[2]
    with_it = build(tmp_path, three(make_config, **SEQUENCE), augment=augment, samplings=3)[2]
    assert with_it["sequence"].shape == (3, NUM_CHANNELS, 12)
    assert torch.equal(with_it["rgb"], without["rgb"]) and torch.equal(with_it["heatmaps"], without["heatmaps"])


@pytest.mark.parametrize("part", ["sequence", "fusion"])
def test_a_sequence_alone_reads_the_poses_alone(tmp_path: Path, make_config: MakeConfig, part: str) -> None:
    config = three(make_config, rgb=None, pose=None, **SEQUENCE)
    write(tmp_path, config)
    for stage in ("crops", "heatmaps"):
        (tmp_path / stage).rename(tmp_path / f"{stage}_away")
    sample = build(tmp_path, config, part=part, samplings=2)[0]
    assert set(sample) == {"sequence", "label", "index"}
    expected = features(evenly(normalise(keypoints_of("a")), 12))
    np.testing.assert_array_equal(sample["sequence"][0].numpy(), expected)


def test_a_sequence_is_augmented_by_seed_epoch_and_index(tmp_path: Path, make_config: MakeConfig) -> None:
    config = three(make_config, rgb=None, pose=None, **SEQUENCE)
    write(tmp_path, config)
    clips, again = (build(tmp_path, config, part="sequence", augment=True) for _ in range(2))
    first = clips[1, 2]["sequence"]
    assert torch.equal(first, again[1, 2]["sequence"])
    assert not torch.equal(first, clips[2, 2]["sequence"])
