"""The profiles: read by Snakemake itself, and run with stand-ins for a scheduler and for Kubernetes."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from executors import environment_with
from small_run import ROOT, SEQUENCE, Workflow, hashes

from camfuse.config.read import merged

PROFILES = ROOT / "workflow" / "profiles"
RULES = {
    name
    for path in (ROOT / "workflow" / "rules").glob("*.smk")
    for name in re.findall(r"^\s*rule (\w+):", path.read_text(), re.MULTILINE)
}
EXPERIMENTS = {f"experiment_{name}" for name in ("rgb", "pose", "sequence", "fusion", "evaluate")}
"""Rules that take over another's needs."""
PLUGINS = {"slurm": "slurm", "generic": "generic", "kubernetes": "generic"}


def profile(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROFILES / name / "config.yaml").read_text())
    return content


@pytest.mark.parametrize("name", ["default", *PLUGINS])
def test_a_profile_names_only_rules_that_exist(name: str) -> None:
    assert set(profile(name).get("set-resources", {})) <= RULES | EXPERIMENTS
    assert name == "default" or {"executor", "jobs", "default-resources"} <= profile(name).keys()


@pytest.mark.parametrize("name", ["default", *PLUGINS])
def test_with_every_profile_the_same_command_is_enough_after_an_interruption(name: str) -> None:
    assert profile(name)["rerun-incomplete"] is True


def test_the_default_profile_is_loaded_by_itself(tmp_path: Path) -> None:
    out = Workflow(tmp_path).run("--dry-run", "--quiet", "rules")
    assert f"Using workflow specific profile {ROOT / 'profiles' / 'default'}" in out


def test_every_rule_says_its_memory_and_time() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert len(RULES) >= 12
    assert text.count("mem_mb=") == text.count("runtime=") == len(RULES)


@pytest.mark.parametrize("name", PLUGINS)
def test_a_dry_run_with_the_profile_plans_every_job_with_its_needs(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in environment_with(PLUGINS[name]).items():
        monkeypatch.setenv(key, value)
    out = Workflow(tmp_path).run(
        "--dry-run",
        "--workflow-profile",
        str(PROFILES / name),
        change={"machine": {"threads": 2}, "model": {"sequence": SEQUENCE}},
    )
    assert re.search(r"^total +17$", out, re.MULTILINE)
    jobs = dict(re.findall(r"^rule (\w+):\n((?:    .*\n)+)", out, re.MULTILINE))
    assert jobs.keys() == RULES - {"experiments", "ablation"} | {"all"}
    for rule in jobs.keys() & RULES:
        assert "mem_mb=" in jobs[rule], jobs[rule]
        assert "runtime=" in jobs[rule], jobs[rule]
    assert "threads: 2" in jobs["train_rgb"]


def test_slurm_asks_for_gpus_where_they_help_and_for_more_when_a_job_was_killed() -> None:
    resources = profile("slurm")["set-resources"]
    for rule in EXPERIMENTS:
        assert resources[rule] == resources[rule.replace("experiment", "train").replace("train_evaluate", "evaluate")]
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert profile("slurm")["retries"] > 0
    for rule in (
        "frames",
        "pose",
        "crops",
        "heatmaps",
        "train_rgb",
        "train_pose",
        "train_sequence",
        "train_fusion",
        "evaluate",
    ):
        assert re.fullmatch(r"attempt \* \d+", resources[rule]["mem_mb"])
        assert re.fullmatch(r"attempt \* \d+", resources[rule]["runtime"])
        body = re.search(rf"^ *rule {rule}:\n(.*?)^ *shell:", rules, re.MULTILINE | re.DOTALL)
        assert body
        assert ("gpu=" in body[1]) == (rule == "pose" or rule.startswith(("train", "evaluate")))


SCHEDULER = """#!/bin/sh
# stand-in for qsub: note what was asked for, run the script in the background, print a number
echo "$@" >> asked.txt
for script; do :; done
nohup sh "$script" > /dev/null 2>&1 &
echo $!
"""
KUBECTL = """#!{python}
# stand-in for kubectl: a job is a process, its conditions lie in a file
import subprocess, sys, yaml
from pathlib import Path
verb, *rest = sys.argv[1:]
if verb == "create":
    job = yaml.safe_load(sys.stdin)
    number = len(list(Path().glob("job-*.yaml")))
    Path(f"job-{{number}}.yaml").write_text(yaml.safe_dump(job))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    script = "cd $0 && $@ && echo Complete > $STATE || echo Failed > $STATE"
    command = ["sh", "-c", script, container["workingDir"], *container["command"]]
    out = open(f"job-{{number}}.log", "w")
    state = {{"STATE": f"{{Path.cwd()}}/job-{{number}}.state"}}
    import os
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=os.environ | state)
    print(f"job.batch/job-{{number}}")
else:
    assert verb == "get", verb
    state = Path(rest[0].split("/")[1] + ".state")
    print(state.read_text() if state.exists() else "")
"""


def run_one_shard(folder: Path, name: str, programs: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """Run up to the frames of one shard with the profile, its scheduler's programs being these."""
    for key, value in environment_with("generic").items():
        monkeypatch.setenv(key, value)
    (folder / "bin").mkdir()
    for program, text in programs.items():
        (folder / "bin" / program).write_text(text)
        (folder / "bin" / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin")
    (folder / "workflow").symlink_to(ROOT / "workflow")
    workflow = Workflow(folder)
    workflow.run("results/frames/0000.h5", "--workflow-profile", f"workflow/profiles/{name}", "--latency-wait", "5")
    return workflow


@pytest.mark.torture
def test_generic_runs_with_a_scheduler(finished: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = run_one_shard(tmp_path, "generic", {"qsub": SCHEDULER}, monkeypatch)
    asked = (tmp_path / "asked.txt").read_text()
    assert "camfuse.frames -l select=1:ncpus=1:mem=4000mb:ngpus=0 -l walltime=120:00" in asked
    assert hashes(workflow.folder / "results").items() <= hashes(finished.folder / "results").items()


@pytest.mark.torture
def test_kubernetes_runs_with_a_stand_in(finished: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = run_one_shard(tmp_path, "kubernetes", {"kubectl": KUBECTL.format(python=sys.executable)}, monkeypatch)
    jobs = [yaml.safe_load(path.read_text())["spec"] for path in sorted(tmp_path.glob("job-*.yaml"))]
    assert [job["activeDeadlineSeconds"] for job in jobs] == [1800, 7200]
    needs = [job["template"]["spec"]["containers"][0]["resources"] for job in jobs]
    assert needs[1] == merged(needs[0], {"requests": {"cpu": 1, "memory": "4000M"}, "limits": {"memory": "4000M"}})
    assert hashes(workflow.folder / "results").items() <= hashes(finished.folder / "results").items()
