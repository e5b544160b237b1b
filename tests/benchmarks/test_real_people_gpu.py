"""Which trainings of real people can begin, and who chooses between candidates."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
from benchmarks.real_people_gpu import Folder, chosen, ready
from benchmarks.real_people_jobs import CANDIDATES, Job


def made_jobs() -> list[Job]:
    sets = {"asl24": "s01", "asl8": "group1"}
    streams = [
        Job(name, fold, 1, part, one, (0,), (1,))
        for part, candidates in CANDIDATES.items()
        for name, fold in sets.items()
        for one in candidates
    ]
    return [*streams, Job("asl24", "s01", 1, "pose", "chosen", (0,), (1,))]


def answer(folder: Folder, job: Job, *, right: bool) -> None:
    found = np.eye(2)[[0 if right else 1]].tolist()
    folder.answer(job).write_text(json.dumps({"probabilities": {job.part: found}, "labels": [0]}))


def test_a_set_waits_for_the_other_sets_answers_and_takes_what_they_say(tmp_path: Path) -> None:
    folder, jobs = Folder(tmp_path, CANDIDATES), made_jobs()
    assert not ready(folder, jobs[-1], jobs)
    for job in jobs[:-1]:
        best = "zoom" if job.set == "asl8" else "long"
        answer(folder, job, right=job.variant.endswith(best))
    assert ready(folder, jobs[-1], jobs)
    assert chosen(folder, "pose", "asl24", jobs) == "pose.zoom"
    assert chosen(folder, "pose", "asl8", jobs) == "pose.long"


def test_each_training_is_claimed_once_and_again_after_a_cut(tmp_path: Path) -> None:
    folder, job = Folder(tmp_path, CANDIDATES), made_jobs()[0]
    assert folder.claim(job)
    assert not folder.claim(job)
    folder.prepare()
    assert folder.claim(job)
    answer(folder, job, right=True)
    folder.prepare()
    assert not folder.claim(job)


def test_a_fusion_waits_for_its_streams(tmp_path: Path) -> None:
    fusion = Job("asl24", "s01", 1, "fusion", "divided", (0,), (1,))
    assert not ready(Folder(tmp_path, CANDIDATES), fusion, [*made_jobs(), fusion])
