"""Ask pip-audit for known vulnerabilities of the pinned packages; `make check` does.

Those that SECURITY.md explains are passed over. Where no vulnerability service can be reached, that is said, and is no
error: the check must pass on a machine without a network.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ENVS = Path(__file__).parent
EXPLAINED = ENVS.parent / "SECURITY.md"
PINNED = ("pins.txt", "mediapipe.txt", "rtmlib.txt", "mmpose.txt")
SECONDS = 180


def main() -> int:
    """Print what was found; 1 if something is neither fixed nor explained."""
    found = ask([word for name in PINNED for word in ("-r", str(ENVS / name))])
    problems, unknown = judge(found, EXPLAINED.read_text(encoding="utf-8"))
    for problem in problems:
        print(f"pip-audit: {problem}: renew the pin, or explain it in {EXPLAINED.name}")
    if not found or unknown == len(found):
        print("pip-audit: nothing checked: no vulnerability service can be reached from here")
    else:
        aside = f", {unknown} are not known to the service" if unknown else ""
        print(f"pip-audit: {len(found) - unknown} packages checked{aside}, {len(problems)} problems")
    return 1 if problems else 0


def ask(files: list[str]) -> list[dict[str, Any]]:
    """Return what pip-audit says of each package; nothing where it reaches nobody."""
    command = [sys.executable, "-m", "pip_audit", *files, "--no-deps", "--disable-pip", "--format=json"]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner=off", "--timeout=5"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return packages


def judge(packages: list[dict[str, Any]], explained: str) -> tuple[list[str], int]:
    """Return the vulnerabilities that are not explained, and how many packages the service does not know."""
    problems = [
        f"{package['name']} {package['version']}: {found['id']}"
        for package in packages
        for found in package.get("vulns", [])
        if not any(name in explained for name in [found["id"], *found.get("aliases", [])])
    ]
    return problems, sum("skip_reason" in package for package in packages)


if __name__ == "__main__":
    sys.exit(main())
