"""``--cache``: a second working copy reuses the shards that another one made, and no others."""

from pathlib import Path
from typing import Any

import pytest
from own_clips import OwnClips, own_clips
from small_run import DATA, Workflow, hashes

TARGET = "results/heatmaps/0000.h5"


def made_by_jobs(own: OwnClips) -> set[str]:
    """Return the stages that ran; what comes out of the cache has an empty log."""
    logs = {stage: own.folder / "results" / "logs" / stage / "0000.log" for stage in DATA}
    return {stage for stage, log in logs.items() if log.stat().st_size}


def test_a_second_working_copy_takes_the_shards_over(
    finished: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("SNAKEMAKE_OUTPUT_CACHE", str(tmp_path / "cache"))
    change: dict[str, Any] = {"heatmaps": {"sigma": 1.5}}
    first, second, other = (own_clips(finished, tmp_path / name) for name in ("first", "second", "other"))
    first.workflow.run(TARGET, "--cache")
    second.workflow.run(TARGET, "--cache")
    other.workflow.run(TARGET, "--cache", change=change)
    assert made_by_jobs(first) == set(DATA)
    assert made_by_jobs(second) == set()
    assert made_by_jobs(other) == {"heatmaps"}
    made = [hashes(own.folder / "results") for own in (first, second, other)]
    assert len(made[0]) == len(DATA)
    assert made[1] == made[0]
    assert {name for name in made[0] if made[0][name] != made[2][name]} == {"heatmaps/0000.h5"}

    # another video is another key, and what lies in the cache is not written to
    with second.video(second.members("0000")[0]).open("ab") as video:
        video.write(b"\0\0\0\x08free")
    second.workflow.run(TARGET, "--cache")
    assert made_by_jobs(second) == set(DATA)
    assert hashes(first.folder / "results") == made[0]


def test_without_cache_every_shard_is_a_file_of_its_own(finished: Workflow) -> None:
    shards = [path for stage in DATA for path in (finished.folder / "results" / stage).glob("*.h5")]
    assert len(shards) == 8
    assert not any(path.is_symlink() for path in shards)
