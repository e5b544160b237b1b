# The config, the clip table and the few functions that every rule uses.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

_ROOT = Path(workflow.current_basedir).parents[1]
if str(_ROOT) not in sys.path:
    sys.path.insert(0, str(_ROOT))

from camfuse.clips.table import shard_names
from camfuse.config import dump_config, parse_config
from camfuse.errors import CamfuseError, disk_problem
from camfuse.preflight import check_machine, prepare_jobs
from camfuse.stage import fingerprint, write_if_changed

prepare_jobs(_ROOT)
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method


def prepare(values):
    """Check the settings and bring the clip table up to date, the way a sample sheet is read."""
    if not values:
        raise WorkflowError(
            "no settings: give a config, as in --configfile config/demo.yaml (config/README.md)"
        )
    try:
        settings = parse_config(values)
        if workflow.is_main_process:
            from camfuse.clips.refresh import refresh

            check_machine(settings, packages=not CONDA)
            write_if_changed(settings.output / "config.yaml", dump_config(settings))
            refresh(settings)
    except CamfuseError as error:
        raise WorkflowError(str(error)) from error
    except OSError as error:
        raise WorkflowError(disk_problem(error) or str(error)) from error
    return settings


SETTINGS = prepare(config)
OUT = str(SETTINGS.output)
CONFIG = f"{OUT}/config.yaml"
SHARDS = shard_names(SETTINGS.clips.shards)
DRAWN = SETTINGS.clips.fingerspelling is not None
TRAIN_THREADS = SETTINGS.machine.threads
TRAIN_GPUS = 0 if SETTINGS.machine.device == "cpu" else SETTINGS.machine.devices
HRNET = SETTINGS.pose.mmpose
POSE_GPUS = int(
    HRNET is not None
    and HRNET.engine != "openvino"
    and SETTINGS.machine.device != "cpu"
)


wildcard_constraints:
    shard=r"\d{4}",


def of(stage):
    """Return the stage's fingerprint: the parameter whose change reruns its rule."""
    return fingerprint(stage, SETTINGS)


def shards_of(stage):
    return expand(f"{OUT}/{stage}/{{shard}}.h5", shard=SHARDS)
