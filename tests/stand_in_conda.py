"""A stand-in for conda: what Snakemake asks of it, with the pip part of an env file in a virtual environment.

Its `activate` does to the shell what conda's does: an active prefix is replaced where it stands in PATH. It shows that
the pip parts install, that each rule has what it imports, and that jobs run in their own environment; it shows nothing
of conda's channels and solver.
"""

import json
import os
import subprocess
import sys
import venv
from itertools import pairwise
from pathlib import Path
from sysconfig import get_path

import yaml

ACTIVATE = r"""# source activate PREFIX
if [ -z "${CONDA_SHLVL:-}" ]; then
    CONDA_SHLVL=0
    PATH="@home@/condabin:$PATH"
fi
if [ "$CONDA_SHLVL" -gt 0 ] && [ "$CONDA_PREFIX" != "$1" ]; then
    export "CONDA_PREFIX_$CONDA_SHLVL=$CONDA_PREFIX"
fi
case ":$PATH:" in
    *":${CONDA_PREFIX:-none}/bin:"*)
        PATH=":$PATH:"
        PATH="${PATH/":$CONDA_PREFIX/bin:"/":$1/bin:"}"
        PATH="${PATH#:}"
        PATH="${PATH%:}" ;;
    *) PATH="$1/bin:$PATH" ;;
esac
[ "${CONDA_PREFIX:-}" = "$1" ] || CONDA_SHLVL=$((CONDA_SHLVL + 1))
export PATH CONDA_SHLVL CONDA_PREFIX="$1" CONDA_DEFAULT_ENV="$1"
"""
FUNCTION = r"""# what `conda init` puts into a shell
export PATH="@home@/condabin:$PATH" CONDA_SHLVL=0
conda() {
    if [ "$1" = activate ]; then
        case "${2:-base}" in
            base) . "@home@/bin/activate" "@home@" ;;
            */*) . "@home@/bin/activate" "$2" ;;
            *) . "@home@/bin/activate" "@home@/envs/$2" ;;
        esac
    else
        command conda "$@"
    fi
}
"""
PACKAGES = "STAND_IN_PACKAGES"
"""Names a folder of packages that every new environment gets, instead of its pip part installed from an index."""
JOURNAL = "STAND_IN_JOURNAL"
"""Names a file that every Python of an environment notes itself in."""
NOTE = (
    f"import json, os, sys; {JOURNAL!r} in os.environ and open(os.environ[{JOURNAL!r}], 'a').write("
    "json.dumps([os.getpid(), sys.prefix, sys.orig_argv, os.environ.get('PYTHONNOUSERSITE')]) + chr(10))\n"
)


def main(arguments: list[str]) -> None:
    home = Path(sys.argv[0]).resolve().parents[1]
    if arguments[:1] == ["--version"]:
        print("conda 26.7.0")
    elif arguments[:1] == ["info"]:
        print(json.dumps({"conda_prefix": str(home), "platform": "linux-64"}))
    elif arguments[:1] == ["config"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif arguments[:2] == ["env", "create"]:
        given = dict(pairwise(arguments))
        create(Path(given["--file"]), Path(given.get("--prefix", home / "envs" / given.get("--name", "base"))))
    elif arguments[:1] != ["clean"]:
        raise SystemExit(f"the stand-in knows no `conda {' '.join(arguments)}`")


def pip_part(file: Path) -> list[str]:
    """Return the packages that an env file has pip install."""
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    (packages,) = (part["pip"] for part in dependencies if isinstance(part, dict))
    return list(packages)


def create(file: Path, prefix: Path) -> None:
    linked = os.environ.get(PACKAGES)
    venv.create(prefix, with_pip=not linked)
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "history").touch()
    python = prefix / "bin" / "python"
    if not linked:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *pip_part(file)], check=True)
    packages = Path(get_path("purelib", "venv", vars={"base": str(prefix)}))
    (packages / "stand_in.pth").write_text(NOTE + (f"{linked}\n" if linked else ""))


def install(home: Path) -> Path:
    """Lay the stand-in out below `home`, with a Python of its own that has no packages; return the folder for PATH."""
    venv.create(home, with_pip=False)
    for folder in ("bin", "condabin"):
        (home / folder).mkdir(exist_ok=True)
        (home / folder / "conda").write_text(f"#!{sys.executable}\n" + Path(__file__).read_text())
        (home / folder / "conda").chmod(0o755)
    (home / "etc" / "profile.d").mkdir(parents=True, exist_ok=True)
    for file, text in (("bin/activate", ACTIVATE), ("etc/profile.d/conda.sh", FUNCTION)):
        (home / file).write_text(text.replace("@home@", str(home)))
    return home / "condabin"


if __name__ == "__main__":
    main(sys.argv[1:])
