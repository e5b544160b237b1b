"""The clips of a split as tensors."""

import logging
from typing import NotRequired, TypedDict

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from camfuse.config import Part, Stream
from camfuse.data.augment import Augmentation, Images, Keypoints, draw_augmentation, move_images, move_keypoints
from camfuse.data.on_device import pack_maps
from camfuse.data.sampler import Key
from camfuse.data.sampling import FrameChoice, Indices, clip_choices, sampled_part, training_frames
from camfuse.data.sequence_views import SequenceViews
from camfuse.errors import AllLeftOutError, bullet_list
from camfuse.jpeg import decode_jpeg
from camfuse.prep.hands import hand_zoom, zoom_hands
from camfuse.prep.heatmaps import STRIDE, render
from camfuse.run.layout import INPUTS, DataStage, Run
from camfuse.run.shard import LeftOut, Shard
from camfuse.skeleton import NUM_KEYPOINTS

log = logging.getLogger(__name__)
SEQUENCE = 1
"""Tells the sequence stream's random numbers from the others' of the same key."""


class Sample(TypedDict):
    """One clip: V samplings, R RGB frames, P pose frames, crop side S, heatmap side Q, K keypoints.

    `camfuse.data.batch.collate` makes (B, V, ...) of it; the recogniser takes ``batch["rgb"].flatten(0, 1)``, that is
    (B V, 3, R, S, S), and ``logits.unflatten(0, (B, V))`` are the samplings of each clip again. In training V is 1.
    """

    rgb: NotRequired[Tensor]
    """(V, 3, R, S, S) uint8, RGB order."""
    heatmaps: NotRequired[Tensor]
    """(V, K, P, Q, Q) uint8, 255 = score 1."""
    keypoints: NotRequired[Tensor]
    """Compact, in training: (V, K, P, 3) float32 x, y in crop pixels and score, to render the heatmaps from."""
    frames: NotRequired[Tensor]
    """Compact, in training: (V, R, S, S, 3) uint8, the crops as they are stored."""
    affine: NotRequired[Tensor]
    """(V, 2, 3) float32, how to move them."""
    colour: NotRequired[Tensor]
    """(V, 3, 4) float32, how to change their colours."""
    packed: NotRequired[Tensor]
    """Compact, in a test: (3, n) int64, `pack_maps` of the stored map of each frame that a sampling shows."""
    volume: NotRequired[Tensor]
    """(F, K, Q, Q) uint8, the same unpacked; only `camfuse.data.batch.unpacked` gives it."""
    pose_frames: NotRequired[Tensor]
    """(V, P) int64, which of them."""
    images: NotRequired[Tensor]
    """Compact, in a test: (F, S, S, 3) uint8, the stored crop of each frame that a sampling shows."""
    rgb_frames: NotRequired[Tensor]
    """(V, R) int64, which of them."""
    sequence: NotRequired[Tensor]
    """(V, F, L) float32, the channels of `camfuse.data.sequence_channels.features` over L moments."""
    label: Tensor
    """int64, class index."""
    index: Tensor
    """int64, row in `ClipDataset.clips`."""


class ClipDataset(Dataset[Sample]):
    """Clips of a split, sampled and augmented anew for each key, or in the same way in every run.

    A key is ``(epoch, index)`` (`EpochSampler`), a plain index is epoch 0; the clip is index modulo clips. Random
    numbers depend on (config.seed, epoch, index) with `augment`, else on (clip, sampling): never on workers or order.

    Parameters
    ----------
    clips
        Rows of ``clips.csv`` of one split, with columns clip_id, shard (text) and class_index.
    run
        Whose shards are read; those of a stage that `part` does not need may be missing.
    part
        A stream, which reads its own stage's shards, or fusion, which reads those of all streams of the model.
    augment
        Training: random part of the clip, affine, colours; heatmaps are rendered from the moved keypoints. Otherwise
        the stored volumes are read.
    samplings
        V, frame samplings per sample.
    repeat
        Times that each clip counts per epoch.
    compact
        Give what ``rgb`` and ``heatmaps`` are made of, for `camfuse.data.batch.dense` to make them.

    Attributes
    ----------
    clips
        The rows whose clip is in the shards.
    left_out
        The other clips, and why they are not.
    labels
        Their class indices.
    samplings
        V.

    Raises
    ------
    ShardError
        If a shard is missing, stale, or knows nothing of a clip; an AllLeftOutError if all clips were left out.
    """

    def __init__(
        self,
        clips: pd.DataFrame,
        run: Run,
        *,
        part: Part,
        augment: bool,
        samplings: int = 1,
        repeat: int = 1,
        compact: bool = False,
    ) -> None:
        self._config = run.config
        self._part = part
        self._augment = augment
        self.samplings = samplings
        self._repeat = repeat
        self._compact = compact
        names = clips["shard"].unique().tolist()
        self._shards = {stage: {name: run.shard(stage, name) for name in names} for stage in run.inputs(part)}
        section, augmenting = run.config.model.sequence, run.config.train.sequence_augment
        self._sequence = (
            SequenceViews(section, augmenting, self._raw_keypoints) if section and self._reads("sequence") else None
        )
        self._on_grids = self._reads("rgb") or self._reads("pose")
        self.left_out = self._left_out(clips)
        self.clips = self._kept(clips)
        self._ids: list[str] = self.clips["clip_id"].tolist()
        self._shard_of: list[str] = self.clips["shard"].tolist()
        self.labels: list[int] = self.clips["class_index"].astype(int).tolist()
        self._parts: dict[int, range] = {}
        self._zooms: dict[int, float] = {}

    def _left_out(self, clips: pd.DataFrame) -> dict[str, LeftOut]:
        found: dict[str, LeftOut] = {}
        for name, rows in clips.groupby("shard"):
            for shards in self._shards.values():
                found |= shards[str(name)].left_out_of(rows["clip_id"])
        return found

    def _kept(self, clips: pd.DataFrame) -> pd.DataFrame:
        kept = clips[~clips["clip_id"].isin(list(self.left_out))].reset_index(drop=True)
        reasons = bullet_list([f"{clip_id}: {why.stage}: {why.reason}" for clip_id, why in self.left_out.items()])
        if len(kept) == 0:
            found = f"expected some of {len(clips)} clips for {self._part}, found all left out"
            raise AllLeftOutError(f"{found}\n{reasons}")
        if self.left_out:
            log.warning("%s: %d of %d clips were left out\n%s", self._part, len(self.left_out), len(clips), reasons)
        return kept

    def __len__(self) -> int:
        """Return the number of samples per epoch: clips x repeat."""
        return len(self.clips) * self._repeat

    def __getitem__(self, key: int | Key) -> Sample:
        """Return the sample of one key.

        Raises
        ------
        ShardError
            If an image of the clip cannot be decoded.
        """
        epoch, index = (0, key) if isinstance(key, int) else key
        row = index % len(self.clips)
        sample = self._augmented(row, epoch, index) if self._augment else self._plain(row)
        sample["label"] = torch.tensor(self.labels[row])
        sample["index"] = torch.tensor(row)
        return sample

    def _stage(self, stage: DataStage, row: int) -> Shard:
        return self._shards[stage][self._shard_of[row]]

    def _count(self, row: int) -> int:
        return self._stage(next(iter(self._shards)), row).count(self._ids[row])

    def _part_of(self, row: int) -> range:
        """Return the frames that the streams on grids are sampled from."""
        if self._config.sampling.part is None:
            return range(self._count(row))
        if row not in self._parts:
            shard = self._stage("crops" if self._reads("rgb") else "heatmaps", row)
            self._parts[row] = sampled_part(shard.read("keypoints", self._ids[row]), self._config.sampling)
        return self._parts[row]

    def _raw_keypoints(self, row: int) -> Keypoints:
        return self._stage("pose", row).read("keypoints", self._ids[row])

    def _reads(self, stream: Stream) -> bool:
        return INPUTS[stream] in self._shards

    # ------------------------------------------------------------------------------------- training

    def _augmented(self, row: int, epoch: int, index: int) -> Sample:
        sample = Sample(label=torch.tensor(0), index=torch.tensor(0))
        if self._sequence:
            # numbers of its own: the other streams see the same with it and without it
            own = np.random.default_rng([self._config.seed, epoch, index, SEQUENCE])
            sample["sequence"] = torch.from_numpy(self._sequence.random(row, self.samplings, own))
        if not self._on_grids:
            return sample
        rng = np.random.default_rng([self._config.seed, epoch, index])
        part, augment, size = self._part_of(row), self._config.train.augment, self._config.crops.size
        choices, augmentations = [], []
        for _ in range(self.samplings):
            choices.append(training_frames(len(part), self._config.sampling, augment.span, rng, first=part.start))
            augmentations.append(draw_augmentation(augment, size, NUM_KEYPOINTS, rng))
        if self._reads("rgb"):
            images, place = self._images(row, choices)
            if self._compact:
                sample["frames"] = torch.from_numpy(images[place])
                sample["affine"], sample["colour"] = _maps_of(augmentations)
            else:
                pairs = zip(images[place], augmentations, strict=True)
                sample["rgb"] = _channels_first(np.stack([move_images(one, how) for one, how in pairs]))
        if self._reads("pose"):
            moved = self._moved(row, choices, augmentations)
            if self._compact:
                sample["keypoints"] = torch.from_numpy(moved)
            else:
                sample["heatmaps"] = self._rendered(moved)
        return sample

    def _moved(self, row: int, choices: list[FrameChoice], augmentations: list[Augmentation]) -> Keypoints:
        """Return the keypoints (V, K, P, 3) after the augmentations, where their maps have them."""
        keypoints = self._stage("heatmaps", row).read("keypoints", self._ids[row])
        pairs = zip(choices, augmentations, strict=True)
        moved = [move_keypoints(keypoints[choice.pose], one) for choice, one in pairs]
        if self._config.heatmaps.hands:
            size = self._config.crops.size
            if row not in self._zooms:
                self._zooms[row] = hand_zoom(keypoints, size)
            moved = [zoom_hands(one, size, self._zooms[row]) for one in moved]
        return np.stack([one.swapaxes(0, 1) for one in moved])

    def _rendered(self, keypoints: Keypoints) -> Tensor:
        side = self._config.crops.size // STRIDE
        out = np.empty((*keypoints.shape[:3], side, side), np.uint8)
        for target, moved in zip(out, keypoints, strict=True):
            # `render` treats frames and keypoints alike: given (K, P, 3) it writes (K, P, Q, Q), no copy needed
            render(moved, side, self._config.heatmaps.sigma, scale=1 / STRIDE, out=target)
        return torch.from_numpy(out)

    # ------------------------------------------------------------------------------------- test

    def _plain(self, row: int) -> Sample:
        sample = Sample(label=torch.tensor(0), index=torch.tensor(0))
        if self._sequence:
            sample["sequence"] = torch.from_numpy(self._sequence.plain(row, self.samplings))
        if not self._on_grids:
            return sample
        choices = clip_choices(self._ids[row], self._part_of(row), self._config.sampling, self.samplings)
        if self._reads("rgb"):
            images, place = self._images(row, choices)
            if self._compact:
                sample["images"], sample["rgb_frames"] = torch.from_numpy(images), torch.from_numpy(place)
            else:
                sample["rgb"] = _channels_first(images[place])
        if self._reads("pose"):
            wanted, place = np.unique(np.stack([choice.pose for choice in choices]), return_inverse=True)
            # (frames, K, Q, Q)
            volume = self._stage("heatmaps", row).read("volume", self._ids[row], wanted.tolist())
            if self._compact:
                sample["packed"], sample["pose_frames"] = torch.from_numpy(pack_maps(volume)), torch.from_numpy(place)
            else:
                # (frames, K, Q, Q) -> (V, P, K, Q, Q) -> (V, K, P, Q, Q)
                sample["heatmaps"] = torch.from_numpy(np.ascontiguousarray(volume[place].swapaxes(1, 2)))
        return sample

    # ------------------------------------------------------------------------------------- both

    def _images(self, row: int, choices: list[FrameChoice]) -> tuple[Images, Indices]:
        """Return each crop that a sampling shows (F, S, S, 3), and which of them it shows (V, R)."""
        wanted, place = np.unique(np.stack([choice.rgb for choice in choices]), return_inverse=True)
        clip_id = self._ids[row]
        coded = zip(wanted, self._stage("crops", row).jpeg(clip_id, wanted.tolist()), strict=True)
        return np.stack([decode_jpeg(jpeg, f"crop {frame} of {clip_id}") for frame, jpeg in coded]), place


def _channels_first(images: Images) -> Tensor:
    """Return images (V, R, S, S, 3) as (V, 3, R, S, S)."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 4, 1, 2, 3)))


def _maps_of(augmentations: list[Augmentation]) -> tuple[Tensor, Tensor]:
    """Return the maps of pixels (V, 2, 3) and of colours (V, 3, 4)."""
    affine, colour = (np.stack([getattr(one, name) for one in augmentations]) for name in ("affine", "colour"))
    return torch.from_numpy(affine.astype(np.float32)), torch.from_numpy(colour.astype(np.float32))


def single_threaded(_worker: int = 0) -> None:
    """Keep OpenCV to one thread: the `worker_init_fn` of data loaders, whose workers are the parallelism."""
    cv2.setNumThreads(0)
