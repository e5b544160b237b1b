"""What the data stages have in common: clip by clip through a shard, nothing done twice, nothing lost.

A finished clip of an unfinished shard lies in ``<shard>.h5.work/``; a killed job resumes from there. A finished shard
whose clips are expensive keeps a second name (a hard link, no disk): Snakemake deletes the output of a job that was
killed between its last write and its end. Bad clips are collected, so that one broken video neither hides the next
one nor costs the good ones.
"""

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from tqdm import tqdm

from camfuse.clips.table import Clip
from camfuse.config import Config
from camfuse.errors import BadClipsError, ClipError, ShardError
from camfuse.files import atomic
from camfuse.run.shard import DAMAGE, ClipData, LeftOut, Shard
from camfuse.run.shard_writer import ShardWriter
from camfuse.run.stages import fingerprint

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShardJob:
    """One stage's work on one shard.

    Attributes
    ----------
    stage
        Name of the stage.
    config
        The run's config.
    output
        The shard file to write.
    provenance
        What the result rests on besides the config (library versions, weights); must be the same in every run.
    upstream
        The shards that it reads, in the order of the stages. A clip that one of them left out is left out here too,
        for the same reason.
    keep_work
        Save each finished clip at once (stages whose clips are expensive or can fail).
    previous
        A finished shard of an earlier run, whose unchanged clips are reused. The new one is kept for that too,
        under a second name beside it.
    """

    stage: str
    config: Config
    output: Path
    provenance: Mapping[str, object]
    upstream: Sequence[Shard] = ()
    keep_work: bool = False
    previous: Path | None = None


def make_shard(job: ShardJob, clips: Sequence[Clip], compute: Callable[[Clip], ClipData]) -> None:
    """Compute every clip and write the shard.

    Raises
    ------
    BadClipsError
        After all clips were tried, if some raised `ClipError` and the config says ``bad_clips: stop``.
    ShardError
        If an upstream shard knows nothing of a clip.
    """
    expected = fingerprint(job.stage, job.config)
    work = _Work(job.output.with_name(f"{job.output.name}.work"), expected) if job.keep_work else None
    previous = _previous(job, expected)
    lost = left_out_before(clips, job.upstream)
    failed: dict[str, str] = {}
    counts = {"new": 0, "reused": 0}
    with ShardWriter(job.output, stage=job.stage, fingerprint=expected, provenance=job.provenance) as writer:
        for clip in tqdm(clips, desc=f"{job.stage} {job.output.stem}", unit="clip", mininterval=1.0):
            if clip.clip_id in lost:
                writer.leave_out(clip.clip_id, lost[clip.clip_id])
                continue
            data = _known(clip, work, previous)
            counts["new" if data is None else "reused"] += 1
            if data is None:
                try:
                    computed = compute(clip)
                except ClipError as error:
                    failed[clip.clip_id] = error.reason
                    writer.leave_out(clip.clip_id, LeftOut(job.stage, error.reason))
                    continue
                note = computed.note or next((shard.notes[clip.clip_id] for shard in _noted(clip, job)), "")
                data = replace(computed, facts={**computed.facts, "identity": clip.identity}, note=note)
                if work:
                    work.put(clip, data)
            writer.add(clip.clip_id, data)
        if failed and job.config.bad_clips == "stop":
            raise BadClipsError(job.stage, failed)
    if job.previous is not None:
        _keep(job.output)
    if work:
        work.remove()
    log.info(
        "%s: %d new, %d reused, %d failed, %d left out before",
        *(job.output, counts["new"] - len(failed), counts["reused"], len(failed), len(lost)),
    )


def finished_clips(stage: str, config: Config, output: Path, clips: Sequence[Clip]) -> set[str]:
    """Return the ids of the clips that a job would not compute: reused from its old shard, or left by one cut off.

    Parameters
    ----------
    stage, config, output, clips
        Of the job; of an old shard only stage `pose` reuses clips.
    """
    expected = fingerprint(stage, config)
    work = _Work(output.with_name(f"{output.name}.work"), expected)
    job = ShardJob(stage, config, output, {}, previous=output if stage == "pose" else None)
    previous = _previous(job, expected)
    reused = {clip.clip_id for clip in clips if previous and _is_in(previous, clip)}
    return reused | {clip.clip_id for clip in clips if work.has(clip)}


def _is_in(previous: Shard, clip: Clip) -> bool:
    return clip.clip_id in previous and previous.fact("identity", clip.clip_id) == clip.identity


def _noted(clip: Clip, job: ShardJob) -> Iterator[Shard]:
    return (shard for shard in job.upstream if clip.clip_id in shard.notes)


def left_out_before(clips: Sequence[Clip], upstream: Sequence[Shard]) -> dict[str, LeftOut]:
    """Return which clips an upstream shard left out, and why: what the first of them says counts.

    Raises
    ------
    ShardError
        If a shard knows nothing of a clip that those before it have.
    """
    lost: dict[str, LeftOut] = {}
    for shard in upstream:
        lost |= shard.left_out_of(clip.clip_id for clip in clips if clip.clip_id not in lost)
    return lost


def _second_name(path: Path) -> Path:
    return path.with_name(f".{path.name}.kept")


def _keep(path: Path) -> None:
    """Link the finished shard a second time, out of Snakemake's reach."""
    part = path.with_name(f".{path.name}.kept.part")
    try:
        part.unlink(missing_ok=True)
        part.hardlink_to(path)
        part.replace(_second_name(path))
    except OSError as error:
        log.warning("%s: not kept under a second name: %s", path, error)


def _previous(job: ShardJob, expected: str) -> Shard | None:
    if job.previous is None:
        return None
    for path in (job.previous, _second_name(job.previous)):
        if path.exists():
            try:
                shard = Shard(path, stage=job.stage)
            except ShardError as error:
                log.warning("%s: not reused: %s", path, error)
                continue
            if shard.fingerprint == expected:
                return shard
    return None


def _known(clip: Clip, work: "_Work | None", previous: Shard | None) -> ClipData | None:
    try:
        if previous and _is_in(previous, clip):
            return previous.clip(clip.clip_id)
        return work.get(clip) if work else None
    except ShardError as error:
        log.warning("clip %s: not reused: %s", clip.clip_id, error)
        return None


class _Work:
    """Finished clips of an unfinished shard, one file each."""

    def __init__(self, folder: Path, expected: str) -> None:
        self._folder = folder
        self._fingerprint = expected

    def _path(self, clip: Clip) -> Path:
        key = hashlib.sha256(f"{self._fingerprint}\0{clip.clip_id}\0{clip.identity}".encode()).hexdigest()[:32]
        return self._folder / f"{key}.npz"

    def has(self, clip: Clip) -> bool:
        return self._path(clip).exists()

    def get(self, clip: Clip) -> ClipData | None:
        path = self._path(clip)
        if not path.exists():
            return None
        parts: dict[str, dict[str, np.ndarray]] = {"frames": {}, "facts": {}, "jpeg": {}, "note": {}}
        try:
            with np.load(path, allow_pickle=False) as saved:
                for name in saved.files:
                    group, _, key = name.partition("/")
                    parts[group][key] = saved[name]
        except (*DAMAGE, BadZipFile, EOFError) as error:  # the archive has a checksum of each array
            raise ShardError(f"{path}: damaged ({error})") from error
        facts = {key: value if value.ndim else value.item() for key, value in parts["facts"].items()}
        return ClipData(
            frames=parts["frames"], jpeg=_cut(parts["jpeg"]), facts=facts, note=str(parts["note"].get("text", ""))
        )

    def put(self, clip: Clip, data: ClipData) -> None:
        arrays = {f"frames/{name}": rows for name, rows in data.frames.items()}
        arrays |= {f"facts/{name}": np.asarray(value) for name, value in data.facts.items()}
        if data.jpeg:
            arrays["jpeg/size"] = np.array([len(image) for image in data.jpeg], np.int64)
            arrays["jpeg/bytes"] = np.frombuffer(b"".join(data.jpeg), np.uint8)
        if data.note:
            arrays["note/text"] = np.array(data.note)
        with atomic(self._path(clip)) as part, part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def _cut(jpeg: Mapping[str, np.ndarray]) -> list[bytes]:
    if not jpeg:
        return []
    ends: Iterable[int] = np.cumsum(jpeg["size"]).tolist()
    data, start, images = jpeg["bytes"].tobytes(), 0, []
    for end in ends:
        images.append(data[start:end])
        start = end
    return images
