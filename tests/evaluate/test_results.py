"""One form of the results, in memory and in files."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_results import made_results, made_score
from made_training import MakeConfig

from camfuse.clips.signers import SignerCounts
from camfuse.errors import TableError
from camfuse.evaluate.reliability import Bin, Reliability
from camfuse.evaluate.results import CheckpointFacts, Missing, Results, read_results, warn_of_another, write_results
from camfuse.evaluate.signers import SignerScore
from camfuse.run.layout import EvaluationFiles, Run
from camfuse.run.shard import LeftOut

FULL = made_results(
    {"rgb": made_score(0.25, clips=8, of_all=0.2), "fused": made_score(0.5, clips=8, of_all=0.4)},
    weights={"fused": {"rgb": 1.0, "pose": 1.0, "joint": 0.0}},
    checkpoints={"rgb": CheckpointFacts(2, "a" * 16, 100), "fusion": CheckpointFacts(7, "b" * 16, 215)},
    missing=Missing({"gone": LeftOut("frames", "no video")}, 1),
    signers=SignerCounts(unseen=5, seen=2, unknown=1),
    by_signer=(SignerScore("ann", None, 8, {"rgb": 2, "fused": 4}),),
    reliability={"rgb": Reliability((Bin(8, 0.5, 0.25),), (), ((1.0, 0.25),))},
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    files = EvaluationFiles(tmp_path)
    write_results(FULL, files)
    assert read_results(files) == FULL
    table = pd.read_csv(files.table)
    assert table["row"].tolist() == ["rgb", "fused"]
    assert table["top1"].tolist() == [0.25, 0.5] and table["top1_of_all"].tolist() == [0.2, 0.4]
    assert table["left_out"].tolist() == [1, 1] and table["not_on_disk"].tolist() == [1, 1]
    assert json.loads(files.results.read_text())["signers"] == {"unseen": 5, "seen": 2, "unknown": 1}
    listed = json.loads(files.results.read_text())["missing"]["left_out"]
    assert listed == [{"clip_id": "gone", "stage": "frames", "reason": "no video"}]


def test_results_of_an_earlier_version_have_nothing_missing() -> None:
    content = FULL.content()
    del content["missing"]
    for row in content["rows"]:
        for name in [name for name in row if name.endswith("_of_all") or name in ("left_out", "not_on_disk")]:
            del row[name]
    found = Results.parse(content)
    assert found.missing == Missing({}, None) and found.missing.count == 0
    assert found.rows["rgb"] == replace(FULL.rows["rgb"], top_of_all={1: 0.25}, class_top_of_all={1: 0.5})


def test_results_of_an_earlier_version_do_not_say_who_signs() -> None:
    content = FULL.content()
    for name in ("signers", "by_signer", "reliability"):
        del content[name]
    assert Results.parse(content) == replace(FULL, signers=None, by_signer=(), reliability={})


def test_no_file_is_no_results_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    files = EvaluationFiles(tmp_path)
    assert read_results(files) is None
    for text, message in (("{", "expected JSON"), ("[]", "found otherwise"), ('{"rows": []}', "at least one row")):
        files.results.write_text(text)
        with pytest.raises(TableError, match=message):
            read_results(files)


def test_results_of_another_config_are_said(make_config: MakeConfig, caplog: pytest.LogCaptureFixture) -> None:
    run = Run(make_config())
    warn_of_another(run, replace(FULL, fingerprint=run.fingerprint("evaluate")))
    assert not caplog.text
    warn_of_another(run, FULL)
    assert f"{run.output}: the test is of another config or version" in caplog.text


def test_results_older_than_the_clip_table_are_said(
    make_config: MakeConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(make_config(output=str(tmp_path)))
    for path in (run.clip_files.clips, run.evaluation.results):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    same = replace(FULL, fingerprint=run.fingerprint("evaluate"))
    warn_of_another(run, same)
    assert not caplog.text
    os.utime(run.evaluation.results, (0, 0))
    warn_of_another(run, same)
    assert f"{run.output}: clips have changed since the test" in caplog.text


def test_results_whose_first_weights_are_gone_cannot_be_compared(
    make_config: MakeConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights = tmp_path / "first.pth"
    weights.write_bytes(b"weights")
    run = Run(make_config(model={"rgb": {"weights": {"path": str(weights)}}}))
    found = replace(FULL, fingerprint=run.fingerprint("evaluate"))
    weights.unlink()
    warn_of_another(run, found)
    assert "the test cannot be compared with the config" in caplog.text and str(weights) in caplog.text
