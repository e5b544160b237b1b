# The config, the clip table and the few functions that every rule uses.
import shlex
import sys
import time
from functools import cache
from pathlib import Path

from snakemake.settings.types import DeploymentMethod

# the checkout; of an installed package, which these files lie in, the folder that it was installed into
_ROOT = Path(workflow.current_basedir).parents[1]
if (_ROOT / "__init__.py").is_file():
    _ROOT = _ROOT.parent
if str(_ROOT) not in sys.path:
    sys.path.insert(0, str(_ROOT))

from camfuse.clips.sources.entry import source_entry
from camfuse.config import PARTS, dump_config, load_config, parse_config
from camfuse.errors import CamfuseError, disk_problem
from camfuse.files import write_if_changed
from camfuse.prep.requirements import pose_job
from camfuse.run.ending import BUG, problem_text, problems, result_text
from camfuse.run.experiments import Plan
from camfuse.run.forecast import compare, comparison_text
from camfuse.run.going import hold, is_going
from camfuse.run.interruption import EXIT, note_interruption
from camfuse.run.jobs import prepare_jobs, training_gpus
from camfuse.run.layout import Run
from camfuse.run.recipe import resolve
from camfuse.run.trainable import check_trainable

CACHED = workflow.workflow_settings.cache is not None
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
prepare_jobs(_ROOT, conda=CONDA)
INTERRUPTED = note_interruption()
BEGAN = time.time()
ASKS = workflow.output_settings.dryrun
HELD = []  # open as long as this process lives
if CONDA:
    # Snakemake takes PYTHONPATH from jobs with a conda environment, and conda puts the environment where the one that
    # was active stood in PATH, perhaps behind another Python. Snakemake's own prefix has to be said again; this one
    # comes before its calls of conda too, where no environment need be active.
    shell.prefix(
        f"set -euo pipefail; export PYTHONPATH={shlex.quote(str(_ROOT))}"
        ' PATH="${{CONDA_PREFIX:+$CONDA_PREFIX/bin:}}$PATH"; '
    )


def refuse(problem):
    """End as every command does on a user's mistake: one message and exit code 2, no line numbers of the workflow."""
    print(f"ERROR: {problem}", file=sys.stderr)
    sys.exit(2)


def prepare(values):
    """Check the settings and bring the clip table up to date, the way a sample sheet is read."""
    if not values:
        refuse(
            "no settings: give a config, as in --configfile config/demo.yaml (config/README.md)"
        )
    try:
        settings = parse_config(values)
        if not workflow.is_main_process:
            # what fits the machine of the main process, not of the job's
            resolved = Run(settings).config_file
            return load_config(resolved) if settings.recipe else settings
        from camfuse.prep.start import prepare_clips

        if not ASKS:
            HELD.append(hold(settings.output))
        # who only asks changes nothing that the jobs of a run read which is going on
        if not ASKS or not is_going(settings.output):
            prepare_clips(settings, packages=not CONDA)
        settings = resolve(settings, values)
        if not ASKS:
            write_if_changed(Run(settings).config_file, dump_config(settings))
    except CamfuseError as error:
        refuse(error)
    except OSError as error:
        refuse(disk_problem(error) or error)
    return settings


SETTINGS = prepare(config)
PLAN = Plan(SETTINGS)
RUN = Run(SETTINGS)
CONFIG = str(RUN.config_file)
SHARDS = RUN.shard_names
DRAWN = source_entry(SETTINGS.clips).drawn
TRAIN_THREADS = SETTINGS.machine.threads
TRAIN_GPUS = training_gpus(SETTINGS, local=workflow.local_exec)
POSE = pose_job(SETTINGS, conda=CONDA)


wildcard_constraints:
    shard=r"\d{4}",
    kind="experiments|ablation",
    name=r"[A-Za-z0-9][A-Za-z0-9_.+-]*",
    training=r"[0-9a-f]{16}",


def of(stage):
    """Return the stage's fingerprint: the parameter whose change reruns its rule."""
    return RUN.fingerprint(stage)


def checkpoints(given):
    """Return the options that name the checkpoints which a test is given."""
    return [
        word
        for part in PARTS
        if given[part]
        for word in (f"--{part}", str(given[part]))
    ]


def shard(stage):
    """Return a stage's file of the shard that the wildcard names."""
    return str(RUN.shard_path(stage, "{shard}"))


def log_of(rule):
    return str(RUN.log(rule))


def benchmark_of(rule):
    return str(RUN.benchmark(rule))


@cache
def untrainable():
    """Why no training, or its test, could do anything with the clip table; empty where one can. Read once a start."""
    try:
        check_trainable(RUN)
    except CamfuseError as error:
        return str(error)
    return ""


def trainable_clips(wildcards):
    """Return the clip table, once it is known that a training, and its test, could do something with it."""
    if workflow.is_main_process and (problem := untrainable()):
        refuse(problem)
    return str(RUN.clip_files.clips)


def shards_of(stage):
    return expand(shard(stage), shard=SHARDS)


def shards_for(part):
    """Return all shards that a part reads, those of every stream for `fusion`."""
    return [path for stage in RUN.inputs(part) for path in shards_of(stage)]


def written(config, path):
    """Return the path of a run's own config, written when a job that will run asks for it."""
    if workflow.is_main_process and not ASKS:
        write_if_changed(path, dump_config(config))
    return str(path)


def training_of(part, wildcards):
    if (part, wildcards.training) not in PLAN.trainings:
        refuse(
            f"no experiment of the config has the {part} training {wildcards.training}"
        )
    return PLAN.trainings[part, wildcards.training]


def training_config(part):
    def path(wildcards):
        training = training_of(part, wildcards)
        return written(training.config, training.folder / "config.yaml")

    return path


def shards_of_fusion(wildcards):
    return of_run(training_of("fusion", wildcards).config)


def of_run(config):
    """Return all shards that a run of another config reads: its own lie where the main run's do."""
    return [path for stage in Run(config).inputs() for path in shards_of(stage)]


def streams_of_fusion(wildcards):
    """Where the streams lie that a fused training starts from."""
    config = training_of("fusion", wildcards).config
    return [
        str(PLAN.training(stream, config).files.best) for stream in config.model.streams
    ]


def shards_of_run(wildcards):
    return of_run(run_of(wildcards).config)


def run_of(wildcards):
    for run in PLAN.of(wildcards.kind):
        if run.name == wildcards.name:
            return run
    refuse(f"the config has no {wildcards.name} in `{wildcards.kind}`")


def run_config(wildcards):
    run = run_of(wildcards)
    return written(run.config, run.folder.parent / "config.yaml")


def part_of_run(part):
    def path(wildcards):
        trainings = run_of(wildcards).trainings
        return str(trainings[part].files.best) if part in trainings else []

    return path


def results_of(kind):
    """The results that a table rests on."""

    def paths(wildcards):
        runs = PLAN.of(kind)
        if not runs:
            refuse(
                f"nothing to do for `{kind}`: the config has no `{kind}:` (config/README.md)"
            )
        return [str(run.results) for run in runs]

    return paths


def fingerprints_of(kind):
    """The parameter of a table: which runs it sets side by side, and what they mean."""
    return lambda wildcards: [f"{run.name} {run.fingerprint}" for run in PLAN.of(kind)]


def foretold():
    """What `camfuse plan` foretold beside what the jobs took; empty where there was no plan."""
    try:
        return comparison_text(compare(RUN))
    except CamfuseError as error:
        return str(error)
