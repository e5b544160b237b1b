"""Snakemake as the README calls it, from any folder: the workflow of the checkout, or of the installed package."""

import logging
import shlex
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from camfuse.errors import ConfigError, MissingToolError

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]
SHIPPED = PACKAGE / "shipped"
"""The configs that come with CAMFuse."""
TARGETS = (
    *("all", "data", "train_rgb", "train_pose", "train_sequence", "train_fusion"),
    *("evaluate", "report", "experiments", "ablation"),
)
"""The workflow's rules that can be asked for by name: those of no single shard or experiment."""


def find_workflow() -> Path:
    """Return the Snakefile.

    ``camfuse/workflow`` is a link to the checkout's folder `workflow`, and in the installed package a folder with the
    same files. The environments, which Snakemake reads after each job though it makes none, lie beside it in both.

    Raises
    ------
    MissingToolError
        If it is not there, as in a checkout on a disk without links.
    """
    path = (PACKAGE / "workflow" / "Snakefile").resolve()
    if not path.is_file():
        path = PACKAGE.parent / "workflow" / "Snakefile"
    if not path.is_file():
        raise MissingToolError(f"expected the workflow at {path}, found none: install camfuse again")
    return path


def snakemake_command(config: Path, cores: int | None, options: Sequence[str]) -> list[str]:
    """Return the command that runs the workflow.

    Parameters
    ----------
    config
        The settings; paths in them start from the folder that this is called in, as with Snakemake.
    cores
        CPU cores to use; None for all.
    options
        Further words for Snakemake, options or targets.

    Raises
    ------
    MissingToolError
        If Snakemake is not installed, or conda environments are asked for without a checkout.
    """
    workflow = find_workflow()
    if find_spec("snakemake") is None:
        raise MissingToolError("expected Snakemake beside camfuse, found none: pip install 'snakemake>=9.19,<10'")
    if _asks_for_conda(options) and (workflow.parents[1] / "__init__.py").is_file():
        raise MissingToolError(
            "--use-conda: expected a checkout, whose code the jobs' environments can be given, and this camfuse is an "
            "installed package: leave the option out (jobs run in this environment), or see docs/conda.md"
        )
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(workflow), "--configfile", str(config)]
    return [*command, "--cores", "all" if cores is None else str(cores), *options]


def check_targets(targets: Iterable[str]) -> None:
    """Refuse a word that is neither a rule to ask for nor looks like a file, which Snakemake looks for itself.

    Raises
    ------
    ConfigError
        With the rules that there are.
    """
    for target in targets:
        if target not in TARGETS and not {"/", "."} & set(target) and not Path(target).exists():
            raise ConfigError(f"expected a target: {', '.join(TARGETS)}, or a file of the run; found {target!r}")


def written(command: Sequence[str]) -> str:
    """Return the command as one would type it."""
    return shlex.join(["snakemake", *command[3:]])


def _asks_for_conda(options: Sequence[str]) -> bool:
    named = {"--use-conda", "--conda-create-envs-only"}
    return bool(named & set(options)) or any(
        first in ("--sdm", "--software-deployment-method") and "conda" in second for first, second in pairwise(options)
    )


def find_config(config: Path) -> Path:
    """Return the config that a command is given: a file, or the shipped one of that name.

    A file of that name with its suffix lies beside the shipped one where `camfuse init` wrote it, often with the same
    `output`: then the log says which is taken.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if config.is_file():
        return config
    shipped = shipped_config(str(config))
    own = config.with_suffix(".yaml")
    if own.is_file() and not own.samefile(shipped):
        log.warning("%s: taking the shipped %s, and not %s here, which goes by its whole name", config, shipped, own)
    return shipped


def shipped_config(name: str) -> Path:
    """Return a config that came with CAMFuse, by its name without the suffix, as ``demo``.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    found = sorted(path.stem for path in SHIPPED.resolve().glob("*.yaml") if path.stem != "default")
    if name not in found:
        raise ConfigError(f"expected a YAML file, or one of the shipped {', '.join(found)}; found {name!r}")
    return SHIPPED.resolve() / f"{name}.yaml"
