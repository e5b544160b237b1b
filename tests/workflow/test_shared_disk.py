"""What a shared file system asks for: renames in one folder, scratch in $TMPDIR, no POSIX locks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_run import ROOT, Workflow, hashes, same_results

NO_LOCKS = r"""
// every lock fails as on a network disk without a lock service
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int flock(int fd, int what) { errno = ENOLCK; return -1; }
int lockf(int fd, int what, off_t size) { errno = ENOLCK; return -1; }
static int without_locks(const char *name, int fd, int what, void *argument) {
    if (what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK || what == F_OFD_SETLKW) {
        errno = ENOLCK;
        return -1;
    }
    return ((int (*)(int, int, void *)) dlsym(RTLD_NEXT, name))(fd, what, argument);
}
int fcntl(int fd, int what, ...) {
    va_list rest; va_start(rest, what); void *argument = va_arg(rest, void *); va_end(rest);
    return without_locks("fcntl", fd, what, argument);
}
int fcntl64(int fd, int what, ...) {
    va_list rest; va_start(rest, what); void *argument = va_arg(rest, void *); va_end(rest);
    return without_locks("fcntl64", fd, what, argument);
}
"""
LOCKS_FAIL = """
import fcntl
try:
    fcntl.flock(open("locked", "w"), fcntl.LOCK_EX)
except OSError:
    pass
else:
    raise SystemExit("flock worked")
"""
WRITE_AND_READ = """
from pathlib import Path
import numpy as np
from camfuse.run.shard import ClipData, Shard
from camfuse.run.shard_writer import ShardWriter
with ShardWriter(Path("0000.h5"), stage="pose", fingerprint="f", provenance={}) as writer:
    writer.add("a", ClipData({"rows": np.arange(6.0).reshape(2, 3)}, facts={"fps": 25.0}))
print(Shard(Path("0000.h5"), stage="pose").read("rows", "a").sum())
"""


def journal(finished: Workflow, event: str) -> list[list[Path]]:
    lines = (line.split("\t") for line in (finished.folder / "journal.txt").read_text().splitlines())
    return [[Path(name) for name in names] for found, *names in lines if found == event]


def test_every_result_appears_by_a_rename_in_its_own_folder(finished: Workflow) -> None:
    results = finished.folder / "results"
    written_as_they_grow = [results / "logs", results / "benchmarks", *(results / "train").glob("*/logs")]
    files = {path for path in results.rglob("*") if path.is_file()}
    files -= {path for folder in written_as_they_grow for path in folder.rglob("*")}
    # Snakemake's own, and that a run is going on: empty files
    files = {path for path in files if path.name not in (".snakemake_timestamp", "running.lock")}
    assert len(files) > 40
    came_from = {to: start for start, to in journal(finished, "os.rename")}
    assert sorted(files - came_from.keys()) == []
    assert [path for path in sorted(files) if came_from[path].parent != path.parent] == []


def test_nothing_is_written_but_below_the_working_folder_and_tmpdir(finished: Workflow) -> None:
    opened = {path for (path,) in journal(finished, "open")}
    assert any(path.is_relative_to(finished.folder / "tmp") for path in opened)
    homes = [finished.folder / name for name in ("results", ".snakemake", "tmp", "cache")]
    elsewhere = {path for path in opened if not any(path.is_relative_to(home) for home in [*homes, Path("/dev")])}
    assert sorted(elsewhere) == []


@pytest.fixture(scope="module")
def no_locks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Compile a library that makes every lock fail; return the environment that loads it."""
    if not sys.platform.startswith("linux") or not shutil.which("cc"):
        pytest.skip("needs Linux and a C compiler, to make every lock fail")
    folder = tmp_path_factory.mktemp("locks")
    (folder / "no_locks.c").write_text(NO_LOCKS)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "no_locks.so", "no_locks.c", "-ldl"], cwd=folder, check=True)
    preload = {"LD_PRELOAD": str(folder / "no_locks.so")}
    subprocess.run([sys.executable, "-c", LOCKS_FAIL], cwd=folder, env=os.environ | preload, check=True)
    return preload


def test_shards_are_written_and_read_without_locks(no_locks: dict[str, str], tmp_path: Path) -> None:
    environment = os.environ | no_locks | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITE_AND_READ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "15.0"


@pytest.mark.torture
def test_the_whole_run_needs_no_locks(finished: Workflow, no_locks: dict[str, str], tmp_path: Path) -> None:
    workflow = Workflow(tmp_path, extra=no_locks)
    workflow.run()
    assert hashes(tmp_path / "results") == hashes(finished.folder / "results")
    same_results(tmp_path / "results", finished.folder / "results")
