"""The jobs of a dry run's text, and profiles whose executor is not installed."""

from pathlib import Path

import pytest
from made_training import MakeConfig

from camfuse.errors import CamfuseError, ConfigError
from camfuse.plan import jobs
from camfuse.plan.jobs import Job, dry_run, plain_profile, read_jobs
from camfuse.run.layout import Run

SAID = """
host: vm
Building DAG of jobs...
[Fri Nov 27 11:29:19 2026]
rule frames:
    input: results/clips/shards/0001.csv
    output: results/frames/0001.h5
    log: results/logs/frames/0001.log
    jobid: 21
    benchmark: results/benchmarks/frames/0001.tsv
    reason: Missing output files: results/frames/0001.h5
    wildcards: shard=0001
    resources: tmpdir=/tmp, mem_mb=4000, mem=4 GB, mem_mib=3815, disk_mb=<TBD>, runtime=120
[Fri Nov 27 11:29:19 2026]
rule train_rgb:
    input: results/clips/clips.csv, results/frames/0001.h5, results/frames/0002.h5
    output: results/train/rgb/best.ckpt, results/train/rgb/curves.csv
    benchmark: results/benchmarks/train_rgb.tsv
    threads: 4
    resources: mem_mb=16000, runtime=2880, gpu=1
[Fri Nov 27 11:29:19 2026]
localrule all:
    input: results/train/rgb/best.ckpt
    jobid: 0
Job stats:
job      count
"""


def test_jobs_by_hand() -> None:
    frames = Job("frames", "frames/0001", "0001", (), 1, 4000, 120, 0)
    training = Job("train_rgb", "train_rgb", "", ("frames/0001",), 4, 16000, 2880, 1)
    assert read_jobs(SAID, Path("results/benchmarks")) == (frames, training)
    assert read_jobs("Nothing to be done (all requested files are present and up to date).", Path("b")) == ()


def test_a_profile_goes_without_its_executor(tmp_path: Path) -> None:
    text = "executor: slurm\nslurm-no-account: true\njobs: 100\nset-resources: {pose: {mem_mb: attempt * 12000}}\n"
    (tmp_path / "config.yaml").write_text(text)
    assert plain_profile(tmp_path) == {"jobs": 100, "set-resources": {"pose": {"mem_mb": "attempt * 12000"}}}


@pytest.mark.parametrize("text", [None, "- a\n", "a: [\n"])
def test_what_is_no_profile_is_named(tmp_path: Path, text: str | None) -> None:
    if text:
        (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        plain_profile(tmp_path)


def test_what_snakemake_refuses_is_said(make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def command(config: Path, cores: int, options: list[str]) -> list[str]:
        asked.append([str(config), str(cores), *options])
        return ["sh", "-c", "echo MissingRuleException: no rule >&2; exit 1"]

    monkeypatch.setattr(jobs, "snakemake_command", command)
    with pytest.raises(CamfuseError, match="refuses the plan:\\nMissingRule"):
        dry_run(Run(make_config()), Path("c.yaml"), 3, ["other"])
    assert asked[0][:3] == ["c.yaml", "3", "--dry-run"] and asked[0][-1] == "other"


def test_what_the_workflow_refuses_is_said_in_its_words(
    make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "echo Using a profile >&2; echo ERROR: clips.csv: no clip of split test >&2; exit 2"
    monkeypatch.setattr(jobs, "snakemake_command", lambda *_: ["sh", "-c", said])
    with pytest.raises(CamfuseError, match=r"^clips\.csv: no clip of split test$"):
        dry_run(Run(make_config()), Path("c.yaml"), 2)
