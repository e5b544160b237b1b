"""The pose stream alone on real signing that exists as keypoints only, beside a linear model on the same keypoints.

    python -m benchmarks.real_signing --data DIR --sets demo letters adrlfv holistic wlasl nepali --seeds 1

Every clip goes through the package's own stages: `pose.annotations` reads the keypoints, then crops, heatmaps, the
training of part `pose`, and the test of that part. There are no images, so the stage `frames` is stood in for by
blank ones, which the pose stream never sees. There are two recipes, one for signs that are all in the hand
(``real_signing_hands.yaml``) and one for whole words (``real_signing_words.yaml``).

Each fold is trained on all clips that are not its test, without validation: the last epoch is the one that is tested.
What is done already is kept in --work and not done again; a training that was stopped resumes.
"""

import argparse
import hashlib
import json
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # without it, torch is many times slower on a busy machine

import cv2
import numpy as np
import pandas as pd
import yaml

from benchmarks import real_signing_linear as linear
from benchmarks.config_changes import changed
from benchmarks.real_signing_report import SigningSet, write_report
from benchmarks.real_signing_sets import READERS, SHARD, Fold, SetClip, clip_table, official_fold, signer_folds
from camfuse.clips.duplicates import find_duplicates
from camfuse.clips.sources import fingerspelling
from camfuse.clips.table import SHARD_COLUMNS, read_shard_clips
from camfuse.config import Config, parse_config
from camfuse.errors import ShardError
from camfuse.evaluate.run import evaluate
from camfuse.files import write_text
from camfuse.prep.crops import crop_clips
from camfuse.prep.heatmaps import render_heatmaps
from camfuse.prep.pose.annotations.recording import read_recording
from camfuse.prep.pose.run import estimate_poses
from camfuse.run.layout import Run
from camfuse.run.shard import ClipData, Shard
from camfuse.run.shard_writer import ShardWriter
from camfuse.run.stages import fingerprint
from camfuse.train import train

HERE = Path(__file__).parent
BLANK_SIDE = {"hands": 160, "upper_body": 64}
"""Longer side of the blank frames in pixels, by what crops keep; keypoints are scaled to it. Small ones are fast."""
FPS = 30.0


SETS: dict[str, SigningSet] = {
    "demo": SigningSet("demo: 8 letters, 16 languages in 4 folds", "hands", "0.77", 4),
    "letters": SigningSet("fingerspelling: 26 letters, 4 languages left out", "hands", "0.39", 3),
    "adrlfv": SigningSet("AdrLfv: 15 words and not `empty`, its own test clips (same signer)", "words", "0.875", 1),
    "holistic": SigningSet("hello / thanks / iloveyou, each of 7 persons left out", "words", "0.70", 1),
    "wlasl": SigningSet("WLASL, ten most frequent words, body only, official test", "words", "0.45", 8),
    "nepali": SigningSet("Nepali fingerspelling: 49 letters, each of 6 signers left out", "hands", "-", 4),
}
DEMO_FOLDS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the keypoint sets")
    parser.add_argument("--sets", nargs="*", default=list(SETS), help=f"of {', '.join(SETS)}; none: only the table")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--folds", nargs="+", help="only these folds (a part of the whole, for a quick look)")
    parser.add_argument("--work", type=Path, default=Path("results/real_signing"), help="what is done already")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "real_signing.md")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="other settings than the recipe's")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    cv2.setNumThreads(0)
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"--sets: expected some of {', '.join(SETS)}, found {', '.join(sorted(unknown))}")
    for name in options.sets:
        for seed in options.seeds:
            config = recipe(SETS[name], options.work / name, seed, options.set)
            for outcome in run_set(name, config, options.data, options.folds):
                print(
                    f"{name} seed {seed} {outcome['fold']}: pose {outcome['pose']:.3f} linear {outcome['linear']:.3f}"
                )
    report = write_report(options.work, SETS, options.seeds)
    write_text(options.output, report)
    print(report)


def recipe(signing: SigningSet, output: Path, seed: int, changes: Iterable[str] = ()) -> Config:
    """Return the set's recipe; `changes` are KEY=VALUE, the key with dots."""
    path = HERE / f"real_signing_{signing.recipe}.yaml"
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    values["train"]["pose"]["repeat"] = signing.repeat
    values |= {"output": str(output), "seed": seed, "bad_clips": "skip"}
    values["clips"] = {"csv": {"table": "given by the script"}, "shards": 1}
    values["pose"] = {"annotations": {"file": "annotations.pkl", "folder": str(output)}}
    return parse_config(changed(values, changes), str(path))


def run_set(name: str, config: Config, data: Path, only: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Run every fold of one set with one seed; yields what each fold came to, from the cache where it is done."""
    rows, folds = (letters if name in ("demo", "letters") else keypoint_set)(name, config, data)
    prepare(rows, config)
    pose = Shard(config.output / "pose" / f"{SHARD}.h5", stage="pose")
    known = {clip: linear.features(pose.read("keypoints", clip)) for clip in rows["clip_id"]}
    for fold in folds:
        if only is None or fold.name in only:
            yield run_fold(rows, fold, config, known)


# ------------------------------------------------------------------------------------------- clips


def keypoint_set(name: str, config: Config, data: Path) -> tuple[pd.DataFrame, list[Fold]]:
    """Write a set's keypoints as an annotation pickle and blank frames; return its clip table and folds."""
    clips = READERS[name](data)
    sizes = {clip.clip_id: (len(clip.keypoints), clip.height, clip.width) for clip in clips}
    table = clip_table([(clip.clip_id, clip.label, clip.signer, "") for clip in clips])
    path = config.output / "annotations.pkl"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps({"split": {}, "annotations": [_annotation(clip) for clip in clips]}))
    blank_frames(
        config, {clip: (np.arange(count) / FPS, height, width) for clip, (count, height, width) in sizes.items()}
    )
    return table, list(official_fold(clips) if name in ("adrlfv", "wlasl") else signer_folds(clips))


def _annotation(clip: SetClip) -> dict[str, Any]:
    """Return one entry as PYSKL has it; what was not seen is zero with score 0 there."""
    points = np.nan_to_num(clip.keypoints)
    return {
        "frame_dir": clip.clip_id,
        "total_frames": len(points),
        "img_shape": (clip.height, clip.width),
        "original_shape": (clip.height, clip.width),
        "label": 0,
        "keypoint": points[None, ..., :2],
        "keypoint_score": points[None, ..., 2],
    }


def letters(name: str, config: Config, _data: Path) -> tuple[pd.DataFrame, list[Fold]]:
    """Return the clips of config/demo.yaml or config/fingerspelling.yaml as their own reader gives them, and the folds.

    The demo's 16 languages are parted by the alphabet into four folds; the 26 letters keep their config's split, what
    is `val` there is trained on.
    """
    shipped = HERE.parent / "config" / ("demo.yaml" if name == "demo" else "fingerspelling.yaml")
    source = parse_config(yaml.safe_load(shipped.read_text(encoding="utf-8")), str(shipped)).clips.fingerspelling
    assert source is not None
    rows = fingerspelling.read(source).rows
    contents = {path: Path(path).read_bytes() for path in rows["source"].unique()}
    read = [contents[path] for path in rows["source"]]
    known = rows.assign(sha256=[hashlib.sha256(content).hexdigest() for content in read], size=list(map(len, read)))
    duplicates = find_duplicates(known)
    rows = rows.drop(duplicates.index[~duplicates["used"]]).reset_index(drop=True)
    frames = {}
    for row in rows.to_dict("records"):
        recording = read_recording(Path(row["annotation"]), row["clip_id"])
        times = np.arange(len(recording)) / recording.fps
        middle = times + 0.5 / recording.fps
        inside = (middle >= row["start"]) & ~(middle >= row["end"])
        frames[row["clip_id"]] = times[inside], recording.height, recording.width
    blank_frames(config, frames)
    table = clip_table(zip(rows["clip_id"], rows["label"], rows["signer"], rows["annotation"], strict=True))
    table[["start", "end"]] = rows[["start", "end"]]
    if name == "letters":
        return table, [Fold("test", frozenset(rows["clip_id"][rows["split"] == "test"]))]
    languages = sorted(rows["signer"].unique())
    parts = [languages[number::DEMO_FOLDS] for number in range(DEMO_FOLDS)]
    return table, [Fold("-".join(part), frozenset(rows["clip_id"][rows["signer"].isin(part)])) for part in parts]


# ------------------------------------------------------------------------------------------- stages


def blank_frames(config: Config, clips: dict[str, tuple[np.ndarray, int, int]]) -> None:
    """Write a shard of stage `frames` whose images are blank: times in seconds, height and width of each clip."""
    path = config.output / "frames" / f"{SHARD}.h5"
    if is_done(path, "frames", config):
        return
    expected = fingerprint("frames", config)
    with ShardWriter(path, stage="frames", fingerprint=expected, provenance={"frames": "blank"}) as writer:
        for clip_id, (time, height, width) in clips.items():
            scale = BLANK_SIDE[config.crops.keep] / max(height, width)
            size = max(1, round(height * scale)), max(1, round(width * scale))
            jpeg = cv2.imencode(".jpg", np.zeros((*size, 3), np.uint8))[1].tobytes()
            rate = (len(time) - 1) / (time[-1] - time[0]) if len(time) > 1 else FPS
            facts = {"height": size[0], "width": size[1], "fps": rate, "identity": clip_id}
            writer.add(clip_id, ClipData({"time": time}, jpeg=[jpeg] * len(time), facts=facts))


def is_done(path: Path, stage: str, config: Config) -> bool:
    """Whether a shard is there and is this config's."""
    try:
        return bool(Shard(path, stage=stage, fingerprint=fingerprint(stage, config)).fingerprint)
    except ShardError:
        return False


def prepare(rows: pd.DataFrame, config: Config) -> None:
    """Run the data stages from `pose` on, as far as they are not done."""
    out = config.output
    table = out / "clips" / f"{SHARD}.csv"
    write_text(table, rows[list(SHARD_COLUMNS)].to_csv(index=False))
    assert len(read_shard_clips(table)) == len(rows)
    frames, pose, crops, heatmaps = (out / stage / f"{SHARD}.h5" for stage in ("frames", "pose", "crops", "heatmaps"))
    steps: dict[str, tuple[Path, Callable[[], None]]] = {
        "pose": (pose, lambda: estimate_poses(config, table, frames, pose)),
        "crops": (crops, lambda: crop_clips(config, table, frames, pose, crops)),
        "heatmaps": (heatmaps, lambda: render_heatmaps(config, table, crops, heatmaps)),
    }
    for stage, (path, run) in steps.items():
        if not is_done(path, stage, config):
            run()


def run_fold(rows: pd.DataFrame, fold: Fold, config: Config, known: dict[str, np.ndarray]) -> dict[str, Any]:
    """Train and test one fold; return its figures, from the cache where it is done."""
    folder = config.output / "folds" / fold.name / f"seed{config.seed}"
    rows = rows[~rows["clip_id"].isin(fold.left_out)]
    rows = rows.assign(split=np.where(rows["clip_id"].isin(fold.test), "test", "train"))
    table = rows.to_csv(index=False)
    identity = {
        "fingerprint": fingerprint("train_pose", config),
        "samplings": config.evaluate.samplings,
        "clips": table,
    }
    done = folder / "outcome.json"
    if done.exists() and (outcome := json.loads(done.read_text(encoding="utf-8")))["identity"] == identity:
        return outcome
    run = fold_run(config, folder)
    classes = rows.drop_duplicates("label").sort_values("class_index")[["class_index", "label"]]
    write_text(run.clip_files.clips, table)
    write_text(run.clip_files.classes, classes.to_csv(index=False))
    train(run, "pose", folder / "train")
    results = evaluate(run, {"pose": folder / "train" / "best.ckpt"}, folder / "evaluate")
    summary = json.loads((folder / "train" / "summary.json").read_text(encoding="utf-8"))
    outcome = {
        "identity": identity,
        "fold": fold.name,
        "seed": config.seed,
        "train": int((rows["split"] == "train").sum()),
        "test": len(fold.test),
        "classes": len(classes),
        # a clip that the stages refused counts as wrong
        "pose": results.rows["pose"].top_of_all[1],
        "linear": linear_accuracy(rows, known),
        "seconds": summary["seconds"],
    }
    write_text(done, json.dumps(outcome))
    return outcome


def fold_run(config: Config, folder: Path) -> Run:
    """Return a run with a clip table of its own on the set's shards."""
    folder.mkdir(parents=True, exist_ok=True)
    for stage in ("crops", "heatmaps"):
        if not (link := folder / stage).is_symlink():
            link.symlink_to((config.output / stage).resolve())
    return Run(config.model_copy(update={"output": folder}))


def linear_accuracy(rows: pd.DataFrame, known: dict[str, np.ndarray]) -> float:
    """Return the linear model's share of right test clips."""
    parts = {split: rows[rows["split"] == split] for split in ("train", "test")}
    train_rows, test_rows = (np.stack([known[clip] for clip in part["clip_id"]]) for part in parts.values())
    labels = parts["train"]["class_index"].to_numpy(np.int64)
    found, _ = linear.predict(train_rows, labels, parts["train"]["signer"].tolist(), test_rows)
    return float((found == parts["test"]["class_index"].to_numpy()).mean())


if __name__ == "__main__":
    main()
