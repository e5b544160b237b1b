"""The trainings of `real_people_gpu`: of which streams and fusions, on which clips, in which order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_people_batches import Clips, Setting
from camfuse.config import Fusion, FusionMode, Phase, SequenceAugment, SequenceStream

LONG = Setting(views=240, batch=16, active=True, mirror=0.5)
SEQ = Setting(views=240, batch=16, mixup=0.3)
SETTINGS: dict[str, Setting] = {
    "rgb.base": Setting(),
    "rgb.long": LONG,
    "rgb.tiles": Setting(views=240, batch=16, active=True, mirror=0.5, tiles=True),
    "pose.base": Setting(),
    "pose.long": LONG,
    "pose.zoom": Setting(views=240, batch=16, active=True, mirror=0.5, zoom=True, mixup=0.3),
    "pose.mixed": replace(LONG, mixup=0.3),
    "pose.hands": replace(LONG, zoom=True),
    "sequence": SEQ,
    "limbs": replace(SEQ, limbs=0.15),
    "limbs25": replace(SEQ, limbs=0.25),
    "width192": replace(SEQ, sequence=SequenceStream(width=192)),
    "width96": replace(SEQ, sequence=SequenceStream(width=96)),
    "depth6": replace(SEQ, sequence=SequenceStream(depth=6)),
    "kernel5": replace(SEQ, sequence=SequenceStream(kernel=5)),
    "blockdrop3": replace(SEQ, sequence=SequenceStream(block_dropout=0.3)),
    "smooth2": replace(SEQ, smoothing=0.2),
    "decay2": replace(SEQ, decay=0.2),
    "views480": replace(SEQ, views=480),
    "mixup1": replace(SEQ, mixup=1.0),
    "strong": replace(
        SEQ, augment=SequenceAugment(hand_rotate=20, hand_shift=0.1, jitter=0.02, stretch=0.2, scale=0.3, rotate=20)
    ),
    "hide": replace(SEQ, augment=SequenceAugment(hide=0.5, drop=0.1)),
    "warp": replace(SEQ, augment=SequenceAugment(warp=0.6, cut=0.25)),
}
SEQUENCES = tuple(name for name in SETTINGS if "." not in name and name != "sequence")
"""`base`: as `config/videos.yaml` had it, one hundred views a clip in batches of 8. `long`: more views, larger batches,
the active part alone, mirrored half of the time. `tiles`, `zoom`: hands at a scale of their own besides."""
Candidates = Mapping[str, tuple[str, ...]]
"""Of a stream, the variants of which one is chosen."""
CANDIDATES: Candidates = {"rgb": ("rgb.long", "rgb.tiles"), "pose": ("pose.long", "pose.zoom")}


@dataclass(frozen=True)
class Fused:
    """A fusion that is compared: its title in the table, its settings, and its streams."""

    title: str
    settings: Fusion
    streams: tuple[str, ...] = ("rgb", "pose", "sequence")


def _small(mode: FusionMode) -> Fusion:
    return Fusion(mode=mode, width=64, heads=4)


FUSIONS: dict[str, Fused] = {
    "none": Fused("all three, without attention", _small("none")),
    "concat": Fused("all three, lateral convolutions", _small("concat")),
    "divided": Fused("all three, ST-CAF of width 64", _small("divided")),
    "heads8": Fused("all three, ST-CAF of width 256", Fusion(mode="divided", width=256, heads=8)),
    "heads4": Fused("all three, ST-CAF of width 256, 4 heads", Fusion(mode="divided", width=256, heads=4)),
    "pair": Fused("pose and sequence, ST-CAF of width 64", _small("divided"), ("pose", "sequence")),
}
"""Two of them at the paper's width, with heads of 32 and of 64."""
OTHER = {"asl24": "asl8", "asl8": "asl24", "asl8web": "asl24"}
"""Which set chooses the candidates for a set: never its own test clips."""
FUSION_VIEWS = 50


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes
    ----------
    group
        Set and fold, or what an inner training is for.
    variant
        Key of `SETTINGS`; of a fusion of `FUSIONS`. A stream whose variant is `chosen` waits for the choice.
    """

    set: str
    group: str
    seed: int
    part: str
    variant: str
    train: tuple[int, ...]
    test: tuple[int, ...]

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.set}-{self.group}-{self.seed}-{self.part}-{self.variant}"


def folds(clips: Clips) -> dict[str, dict[str, tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Return training and test rows by set and fold."""
    table, rows = clips.table, np.arange(len(clips))
    eight, webcam = table["label8"] != "", table["source"] == "webcam"

    def split(kept: NDArray[np.bool_], tested: NDArray[np.bool_]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return tuple(rows[kept & ~tested].tolist()), tuple(rows[kept & tested].tolist())

    groups = sorted(set(table["group8"][eight]))
    return {
        "asl24": {one: split(webcam, table["signer"] == one) for one in sorted(set(table["signer"][webcam]))},
        "asl8": {f"group{one}": split(eight, table["group8"] == one) for one in groups},
        "asl8web": {"webcam": split(eight, webcam)},
    }


def labels_of(clips: Clips, name: str) -> tuple[NDArray[np.int64], int]:
    """Return the class of every clip of a set (-1: not of it), and the number of classes."""
    column = clips.table["word" if name == "asl24" else "label8"]
    kept = clips.table["source"] == "webcam" if name == "asl24" else column != ""
    classes = sorted(set(column[kept]))
    return np.array([classes.index(one) if k else -1 for one, k in zip(column, kept, strict=True)]), len(classes)


def jobs_of(clips: Clips, candidates: Candidates = CANDIDATES) -> list[Job]:
    """Return all trainings, the most telling first."""
    every = [(name, fold, *rows) for name, parts in folds(clips).items() for fold, rows in parts.items()]

    def of(seed: int, part: str, variant: str, sets: tuple[str, ...] = tuple(OTHER)) -> list[Job]:
        return [Job(name, fold, seed, part, variant, *rows) for name, fold, *rows in every if name in sets]

    both = ("asl24", "asl8")
    out = []
    for stream in ("pose", "rgb"):
        for variant in candidates[stream]:
            out += of(1, stream, variant, both)
    out += of(1, "sequence", "sequence")
    out += of(1, "pose", "chosen") + of(1, "rgb", "chosen") + of(1, "fusion", "divided")
    out += of(1, "pose", "pose.base", both) + of(1, "rgb", "rgb.base", both)
    for seed in (2, 3):
        out += of(seed, "pose", "chosen") + of(seed, "rgb", "chosen") + of(seed, "sequence", "sequence")
        out += of(seed, "fusion", "divided")
    return out + _further(clips, of)


def _further(clips: Clips, of: Callable[..., list[Job]]) -> list[Job]:
    """Return what is trained where time is left: rivals of what is chosen."""
    both = ("asl24", "asl8")
    out: list[Job] = []
    for variant in SEQUENCES:
        out += of(1, "sequence", variant, both)
    out += of(1, "fusion", "none") + of(1, "fusion", "concat")
    out += inner(clips)
    for seed in (2, 3):
        out += of(seed, "fusion", "none") + of(seed, "fusion", "concat")
    for mode in ("heads8", "heads4", "pair"):
        for seed in (1, 2, 3):
            out += of(seed, "fusion", mode, both)
    for variant in (*SEQUENCES, "pose.base", "rgb.base"):
        part = variant.split(".")[0] if "." in variant else "sequence"
        for seed in (2, 3):
            out += of(seed, part, variant, both)
    return out + of(1, "pose", "pose.mixed", both) + of(1, "pose", "pose.hands", both)


def inner(clips: Clips) -> list[Job]:
    """Return trainings within the training signers: of two groups, or one signer, tested on all others of the set.

    A fold's weights are chosen on what trainings without its test signers say of the others of its training signers.
    """
    out = []
    found = folds(clips)
    for name in ("asl24", "asl8"):
        tests = {fold: set(rows[1]) for fold, rows in found[name].items()}
        names = list(tests)
        kept = [(one,) for one in names] if name == "asl24" else [(a, b) for a in names for b in names if a < b]
        for some in kept:
            train = sorted(set().union(*(tests[one] for one in some)))
            test = sorted(set().union(*tests.values()) - set(train))
            group = "only_" + "_".join(some)
            for part, variant in (("sequence", "sequence"), ("pose", "chosen"), ("rgb", "chosen")):
                out.append(Job(name, group, 1, part, variant, tuple(train), tuple(test)))
    return out


def phase_of(part: str, setting: Setting) -> Phase:
    """Return the recipe of a training."""
    if part == "sequence":
        return Phase(
            epochs=1,
            batch=16,
            rate=0.002,
            base_batch=16,
            optimizer="adamw",
            weight_decay=setting.decay,
            warmup=0.3,
            label_smoothing=setting.smoothing,
        )
    rate = 0.0005 if part == "fusion" else 0.002
    return Phase(
        epochs=1, batch=setting.batch, rate=rate, base_batch=setting.batch, optimizer="adamw", weight_decay=0.01
    )
