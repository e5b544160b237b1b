"""A stand-in for conda: what Snakemake asks of it, with the pip part of an env file in a virtual environment.

It shows that the pip parts install, that each rule has what it imports, and that jobs run in their own environment;
it shows nothing of conda's channels and solver.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

import yaml

ACTIVATE = 'export PATH="$1/bin:$PATH"\n'


def main(arguments: list[str]) -> None:
    home = Path(sys.argv[0]).resolve().parents[1]
    if arguments[:1] == ["--version"]:
        print("conda 24.11.3")
    elif arguments[:1] == ["info"]:
        print(json.dumps({"conda_prefix": str(home), "platform": "linux-64"}))
    elif arguments[:1] == ["config"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif arguments[:2] == ["env", "create"]:
        given = {name: arguments[arguments.index(name) + 1] for name in ("--file", "--prefix")}
        create(Path(given["--file"]), Path(given["--prefix"]))
    elif arguments[:1] != ["clean"]:
        raise SystemExit(f"the stand-in knows no `conda {' '.join(arguments)}`")


def create(file: Path, prefix: Path) -> None:
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    (packages,) = (part["pip"] for part in dependencies if isinstance(part, dict))
    venv.create(prefix, with_pip=True)
    subprocess.run([prefix / "bin" / "python", "-m", "pip", "install", "--quiet", *packages], check=True)


def install(home: Path) -> Path:
    """Lay the stand-in out below `home`; return the folder for PATH."""
    folder = home / "bin"
    folder.mkdir(parents=True)
    (folder / "activate").write_text(ACTIVATE)
    (folder / "conda").write_text(f"#!{sys.executable}\n" + Path(__file__).read_text())
    (folder / "conda").chmod(0o755)
    return folder


if __name__ == "__main__":
    main(sys.argv[1:])
