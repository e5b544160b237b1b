"""Damaged and forged files of every kind that is read: a result or one of our errors, no foreign traceback, no hang."""

import json
import pickle
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from counting import CasesOf
from damage import damaged, within
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_results import made_results, made_score
from made_shards import write_shard
from made_training import MadeRun
from small_run import SMALL

from camfuse.clips.hashes import hash_files, look_at
from camfuse.clips.sources import asl_citizen, autsl, csv, wlasl
from camfuse.clips.table import Clip, read_classes, read_clips, read_shard_clips
from camfuse.config import load_config, parse_config
from camfuse.config.estimators import AnnotationsPose
from camfuse.config.read import merged
from camfuse.config.sources import AslCitizenSource, AutslSource, CsvSource, WlaslSource
from camfuse.errors import CamfuseError, MissingToolError
from camfuse.evaluate.results import as_json, read_results
from camfuse.evaluate.run import read_clip_ids
from camfuse.model.checkpoint import Checkpoint
from camfuse.predict.calibration import Calibration
from camfuse.prep.arrays import ClipFrames
from camfuse.prep.pose.annotations.estimator import AnnotationsEstimator
from camfuse.run.layout import EvaluationFiles
from camfuse.run.shard import ClipData, LeftOut, Shard

SECONDS = 10
MEGABYTES = 2000


@dataclass(frozen=True)
class Kind:
    """A kind of file: the name it must have, the bytes of a whole one, and what reads it, given its path."""

    name: str
    whole: bytes
    read: Callable[[Path], object]


TABLE = """video,label,clip_id,signer,split,start,end,annotation
a/1.mp4,hello,one,anna,train,0,1.5,k/1.pose
a/2.mp4,"thank you, sir",two,ben,val,,,k/2.pose
b/1.mp4,caf\u00e9,three,,test,0.5,2,
"""
MANIFEST = [
    {
        "gloss": gloss,
        "instances": [
            {"video_id": f"0{number}{n}", "split": split, "signer_id": n, "frame_start": 1, "frame_end": -1, "fps": 25}
            for n, split in enumerate(("train", "val", "test"))
        ],
    }
    for number, gloss in enumerate(("book", "drink"))
]
SUBSET = {f"0{n}{m}": {"subset": "train", "action": [n, 1, 30]} for n in range(2) for m in range(3)}
NAMES = "ClassId,TR,EN\r\n0,abla,sister\r\n1,sen,you\r\n2,siz,you\r\n"
ASL_CITIZEN = """Participant ID,Video file,Gloss,ASL-LEX Code
P1,11-APPLE.mp4,APPLE,C_01_001
P1,12-APPLE.mp4,APPLE2,NA
P1,13-seedSOUR.mp4,SOUR,
"""
FRAMES = 4


def _csv(path: Path) -> object:
    return csv.read(CsvSource(table=path))


def _wlasl(key: str) -> Callable[[Path], object]:
    return lambda path: wlasl.read(WlaslSource(videos=path.parent, trimmed=key == "subset", **{key: path}))


def _autsl(key: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        files = {"class_names": path.parent / "whole_names.csv"}
        files["class_names"].write_text(NAMES)
        for number, split in enumerate(("train", "validation", "test")):
            files[split] = path.parent / f"whole_{split}.csv"
            files[split].write_text(f"signer{number}_sample1,1\nsigner{number}_sample2,2\n")
        return autsl.read(AutslSource(videos=path.parent, **{**files, key: path}))

    return read


def _asl_citizen(path: Path) -> object:
    for number, split in enumerate(("val", "test"), start=2):
        (path.parent / f"{split}.csv").write_text(ASL_CITIZEN.replace("\nP1,1", f"\nP{number},{number}"))
    return asl_citizen.read(AslCitizenSource(videos=path.parent, splits=path.parent))


def _keypoints(path: Path) -> object:
    frames = ClipFrames([b""] * FRAMES, np.arange(FRAMES) / 25, 240, 320, 25)
    with AnnotationsEstimator(AnnotationsPose()) as estimator:
        return estimator.estimate(Clip("one", Path("v/one.mp4"), 0, float("inf"), path, "x"), frames)


def _shard(path: Path) -> object:
    with Shard(path, stage="crops") as shard:
        return [shard.clip(clip_id) for clip_id in shard], shard.left_out, shard.notes


def _checkpoint(path: Path) -> object:
    return Checkpoint.load(path).recogniser()


def _hashes(path: Path) -> object:
    return hash_files(look_at([__file__]), path)


def _results(path: Path) -> object:
    return read_results(EvaluationFiles(path.parent))


def _pickle(protocol: int) -> bytes:
    rng = np.random.default_rng(0)
    entry = {
        "frame_dir": "v/one",
        "total_frames": FRAMES,
        "img_shape": (240, 320),
        "label": 0,
        "keypoint": rng.uniform(0, 200, (1, FRAMES, 17, 2)).astype(np.float16),
        "keypoint_score": rng.uniform(0, 1, (1, FRAMES, 17)).astype(np.float16),
    }
    return pickle.dumps({"split": {"train": ["v/one"]}, "annotations": [entry, entry | {"frame_dir": "two"}]}, protocol)


def _pose(folder: Path) -> bytes:
    from camfuse.prep.pose.annotations.pose_file import write_pose

    points = np.random.default_rng(0).uniform(1, 99, (FRAMES, 133, 3)).astype(np.float32)
    points[..., 2] = 0.5
    write_pose(folder / "made.pose", points, width=320, height=240, fps=25)
    return (folder / "made.pose").read_bytes()


def _made_shard(folder: Path) -> bytes:
    config = parse_config(merged(SMALL, {"output": str(folder)}))
    keypoints = np.random.default_rng(0).uniform(1, 60, (FRAMES, 133, 3)).astype(np.float32)
    clip = ClipData({"keypoints": keypoints}, [b"jpeg"] * FRAMES, {"affine": np.eye(2, 3), "identity": "x"}, note="odd")
    clips = {"one": clip, "two": clip, "bad": LeftOut("frames", "broken")}
    write_shard(folder / "made.h5", "crops", config, clips, tool="1.0")
    return (folder / "made.h5").read_bytes()


def _yaml() -> bytes:
    import yaml

    return yaml.safe_dump(merged(SMALL, {"experiments": {"long": {"seed": 2}}}), sort_keys=False).encode()


@pytest.fixture(scope="module")
def kinds(trained: MadeRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kind]:
    folder, run = tmp_path_factory.mktemp("whole"), trained.run
    labels = "signer0_sample1,1\nsigner0_sample2,2\n"
    results = as_json(made_results({"rgb": made_score(0.75)}).content()).encode()
    made = {
        "CSV table": ("table.csv", TABLE.encode(), _csv),
        "WLASL manifest": ("manifest.json", json.dumps(MANIFEST).encode(), _wlasl("manifest")),
        "WLASL subset": ("subset.json", json.dumps(SUBSET).encode(), _wlasl("subset")),
        "AUTSL labels": ("train.csv", labels.encode(), _autsl("train")),
        "AUTSL names": ("classes.csv", NAMES.encode(), _autsl("class_names")),
        "ASL Citizen labels": ("train.csv", ASL_CITIZEN.encode(), _asl_citizen),
        "pickle of today": ("all.pkl", _pickle(4), _keypoints),
        "pickle of old": ("all.pkl", _pickle(0), _keypoints),
        "config": ("config.yaml", _yaml(), load_config),
        "shard": ("0000.h5", _made_shard(folder), _shard),
        "checkpoint": ("best.ckpt", run.training("pose").best.read_bytes(), _checkpoint),
        "clip table": ("clips.csv", run.clip_files.clips.read_bytes(), read_clips),
        "class table": ("classes.csv", run.clip_files.classes.read_bytes(), read_classes),
        "table of a shard": (
            "0000.csv",
            b"clip_id,video,start,end,annotation,identity\na,a.mp4,0,,,x\n",
            read_shard_clips,
        ),
        "hashes": ("hashes.csv", b"path,size,mtime_ns,sha256\na.mp4,10,10,abc\n", _hashes),
        "clip ids": ("ids.txt", b"one\ntwo\n", read_clip_ids),
        "results": ("results.json", results, _results),
        "calibration": (
            "calibration.json",
            b'{"temperature": 1.5, "threshold": 0.2, "false_accepts": null, "weights": {}}',
            lambda path: Calibration.beside(path.with_name("best.ckpt")),
        ),
    }
    with suppress(MissingToolError):
        made[".pose"] = ("one.pose", _pose(folder), _keypoints)
    return {name: Kind(*kind) for name, kind in made.items()}


KINDS = [
    *("CSV table", "WLASL manifest", "WLASL subset", "AUTSL labels", "AUTSL names", "ASL Citizen labels"),
    *(
        "pickle of today",
        "pickle of old",
        ".pose",
        "config",
        "shard",
        "checkpoint",
        "clip table",
        "class table",
        "table of a shard",
        "hashes",
        "clip ids",
    ),
    *("results", "calibration"),
]


@pytest.fixture
def memory() -> Iterator[None]:
    """Check that no more memory was taken than is allowed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1000


@pytest.mark.slow
@pytest.mark.bad_input(
    "any label file, pickle, .pose, config, table, shard or checkpoint with bytes flipped, cut or put in",
    "read or refused: 100 cases each in the tests, 2,000 in `make torture`",
)
@pytest.mark.parametrize("cases", [100, pytest.param(2000, marks=pytest.mark.torture)])
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_file_is_read_or_refused(
    name: str, cases: int, kinds: dict[str, Kind], memory: None, tmp_path: Path, cases_of: CasesOf
) -> None:
    if name not in kinds:
        pytest.skip("needs the package pose-format")
    kind = kinds[name]
    path = tmp_path / kind.name
    survived = {"read": 0, "refused": 0}

    @settings(
        max_examples=cases, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(*[damaged(kind.whole)] * 9, st.binary(max_size=200)))
    def tried(content: bytes) -> None:
        path.write_bytes(content)
        with within(SECONDS):
            try:
                kind.read(path)
                survived["read"] += 1
            except CamfuseError as error:
                survived["refused"] += 1
                assert str(error).strip()

    path.write_bytes(kind.whole)
    kind.read(path)
    tried()
    assert sum(survived.values()) >= cases
    cases_of(f"damaged files, {name}", survived=survived["read"], refused=survived["refused"])
