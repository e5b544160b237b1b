"""People kept apart, from a folder of videos to the page, and what is said where they cannot be."""

import json
import pickle
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_run import ALONE, SMALL, Workflow, write_video

from camfuse.clips.files import ClipFiles
from camfuse.config.read import merged

WORDS, PEOPLE, TAKES = ("hello", "thanks"), ("anna", "ben", "cem", "dora"), (1, 2)
FRAMES = 10
MIXED = "expect the people of the test to be in training too"
NAMED: dict[str, Any] = {"clips": {"folder": {"signer": "^[^/]+/([^/]+)/"}}}


def annotation(name: str, seed: int) -> dict[str, Any]:
    points = np.random.default_rng(seed).uniform(8, 56, (1, FRAMES, 133, 2))
    scores = np.full((1, FRAMES, 133), 0.9)
    return {"frame_dir": name, "img_shape": (64, 64), "keypoint": points, "keypoint_score": scores}


def lay(folder: Path) -> Workflow:
    """Lay out ``videos/<word>/<person>/<take>.mp4`` with keypoints; the settings do not say who signs."""
    names = ["/".join(map(str, parts)) for parts in product(WORDS, PEOPLE, TAKES)]
    for number, name in enumerate(names):
        write_video(folder / "videos" / f"{name}.mp4", shade=100 + number)
    content = {"split": {}, "annotations": [annotation(name, seed) for seed, name in enumerate(names)]}
    (folder / "all.pkl").write_bytes(pickle.dumps(content))
    clips = {"folder": {"videos": "videos"}, "shards": 1}
    settings = SMALL | {"clips": clips, "pose": {"annotations": {"file": "all.pkl"}}}
    return Workflow(folder, merged(settings, ALONE))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A run that knows who signs, finished."""
    workflow = lay(tmp_path_factory.mktemp("signers"))
    workflow.run(change=NAMED)
    return workflow


def clips(workflow: Workflow) -> pd.DataFrame:
    return pd.read_csv(workflow.folder / "results" / "clips" / "clips.csv")


def notes(workflow: Workflow) -> str:
    return ClipFiles(workflow.folder / "results" / "clips").notes.read_text()


def test_signers_of_a_folder_are_kept_apart_up_to_the_page(ran: Workflow) -> None:
    apart = clips(ran).groupby("split")["signer"].unique()
    assert sorted(who for people in apart for who in people) == list(PEOPLE)
    assert {split: len(people) for split, people in apart.items()} == {"train": 2, "val": 1, "test": 1}
    assert set(clips(ran)["label"][clips(ran)["split"] == "train"]) == set(WORDS)
    results = json.loads((ran.folder / "results" / "evaluate" / "results.json").read_text())
    assert results["signers"] == {"unseen": 4, "seen": 0, "unknown": 0}
    page = (ran.folder / "results" / "report" / "index.html").read_text()
    assert "All 4 clips of test are of people whom training never saw." in page
    assert "Signers are kept apart: 2 in train, 1 in val, 1 in test" in page and MIXED not in page
    assert ran.planned(NAMED) == {}


def test_without_names_the_note_and_the_page_say_what_the_test_is_worth(ran: Workflow) -> None:
    ran.run()
    assert clips(ran)["signer"].isna().all()
    assert MIXED in notes(ran) and "clips.folder.signer" in notes(ran)
    results = json.loads((ran.folder / "results" / "evaluate" / "results.json").read_text())
    tested = sum(results["signers"].values())
    assert results["signers"] == {"unseen": 0, "seen": 0, "unknown": tested}
    page = (ran.folder / "results" / "report" / "index.html").read_text()
    assert f"Whether the {tested} clips of test are of people who are in training too is not known" in page
    assert MIXED in page


def test_a_video_that_names_no_signer_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    workflow = lay(tmp_path)
    write_video(tmp_path / "videos" / "hello" / "loose.mp4", shade=50)
    done = workflow.snakemake("--dry-run", change=NAMED)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "'hello/loose.mp4': expected a signer by clips.folder.signer: ^[^/]+/([^/]+)/, found none" in said
    workflow.run("--dry-run", change={"clips": {"folder": {"by": "label"}}})
    assert f"as `by: label` asks: {MIXED}" in notes(workflow)
    asked = workflow.snakemake("--dry-run", change={"clips": {"folder": {"by": "signer"}}})
    assert asked.returncode != 0
    assert "by: `signer` needs to know who signs, found no signer of any clip" in asked.stdout + asked.stderr
