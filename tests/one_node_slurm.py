"""A real Slurm of one node, from Debian's packages, without systemd: for one test, then gone."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "munged")
CONFIG = Path("/etc/slurm/slurm.conf")
"""Jobs do not inherit SLURM_CONF, so that the file must lie here."""


def missing() -> str:
    """Return why no Slurm can be started here, or nothing."""
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return f"needs Slurm ({', '.join(absent)}): apt-get install slurmctld slurmd slurm-client munge"
    if os.geteuid() != 0:
        return "needs root, to start Slurm's daemons"
    if CONFIG.is_symlink() and "ClusterName=test" in (CONFIG.read_text() if CONFIG.exists() else "ClusterName=test"):
        if subprocess.run(["scontrol", "ping"], capture_output=True, check=False, timeout=60).returncode == 0:
            return "another test's Slurm is running"
        CONFIG.unlink()  # of a test that was killed
    return f"{CONFIG} is there already: this machine's own Slurm is left alone" if CONFIG.exists() else ""


def config(folder: Path) -> str:
    name = socket.gethostname().split(".")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    lines = [
        *("ClusterName=test", f"SlurmctldHost={name}(127.0.0.1)", "SlurmUser=root", "SlurmdUser=root"),
        *("AuthType=auth/munge", f"AuthInfo=socket={folder}/munge.socket", "CredType=cred/munge"),
        *("ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "JobAcctGatherType=jobacct_gather/none"),
        *("AccountingStorageType=accounting_storage/none", "MpiDefault=none", "SwitchType=switch/none"),
        *("SelectType=select/cons_tres", "SelectTypeParameters=CR_Core_Memory", "ReturnToService=2", "MinJobAge=300"),
        *(f"StateSaveLocation={folder}/state", f"SlurmdSpoolDir={folder}/spool"),
        *(f"SlurmctldPidFile={folder}/slurmctld.pid", f"SlurmdPidFile={folder}/slurmd.pid"),
        *(f"SlurmctldLogFile={folder}/slurmctld.log", f"SlurmdLogFile={folder}/slurmd.log"),
        f"NodeName={name} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory={max(memory, 1)} State=UNKNOWN",
        f"PartitionName=main Nodes={name} Default=YES MaxTime=INFINITE State=UP",
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[None]:
    """Start munged, slurmctld and slurmd; end them, and every job, at the end of the block."""
    for name in ("state", "spool", "seed"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "slurm.conf").write_text(config(folder))
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.symlink_to(folder / "slurm.conf")
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        munged = ["munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/munge.socket"]
        munged += [f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")]
        for command in (munged, ["slurmctld", "-D"], ["slurmd", "-D"]):
            with (folder / f"{command[0]}.out").open("wb") as out:
                daemons.append(subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT))
            time.sleep(1)
        wait_until_idle()
        yield
    finally:
        subprocess.run(["scancel", "--user=root"], check=False, capture_output=True, timeout=30)
        time.sleep(1)
        for daemon in reversed(daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
        CONFIG.unlink()


def wait_until_idle(seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        state = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False, timeout=20)
        if state.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    raise RuntimeError(f"Slurm's node is not idle after {seconds} s: {state.stdout}{state.stderr}")
