"""The profiles name rules that exist, and every rule's needs stand in the rule."""

import re

import pytest
import yaml
from small_run import ROOT

PROFILES = ROOT / "workflow" / "profiles"
RULES = {
    name
    for path in (ROOT / "workflow" / "rules").glob("*.smk")
    for name in re.findall(r"^\s*rule (\w+):", path.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("name", ["default", "slurm", "generic", "kubernetes"])
def test_a_profile_is_read_and_names_only_rules_that_exist(name: str) -> None:
    profile = yaml.safe_load((PROFILES / name / "config.yaml").read_text())
    assert set(profile.get("set-resources", {})) <= RULES
    assert name == "default" or {"executor", "jobs", "default-resources"} <= profile.keys()


def test_every_rule_says_its_memory_and_time() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    assert len(RULES) == 10
    assert text.count("mem_mb=") == text.count("runtime=") == len(RULES)
