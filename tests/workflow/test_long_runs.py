"""Two thousand clips through the data stages, two hundred training steps: memory and open files stay flat."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
import yaml
from counting import CasesOf
from made_training import MadeRun, phase
from small_run import SMALL, write_video

from camfuse.clips.table import SHARD_COLUMNS
from camfuse.run.layout import DATA_STAGES
from camfuse.run.shard import Shard
from tests.workflow.test_bad_clips import write_keypoints

CLIPS = 2000
STEPS = 200
VIDEOS = 4
WARM = 0.3
"""Share of a run's time that may grow: packages, caches, pools."""
GROWTH = 12.0
"""MB by which the last third may lie above the first after that: 6 kB a clip."""


def watched(command: list[str], folder: Path, begun: str) -> list[tuple[float, int]]:
    """Run a command; return the memory in MB and the open files of its process, many times since its work has begun.

    An estimator's process is counted in, what a loader forks is not.
    """
    samples = []
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)
        stage = psutil.Process(process.pid)
        working = False
        while process.poll() is None:
            time.sleep(0.03)
            working = working or any(folder.glob(begun))
            if working:
                with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                    ours = [stage, *(one for one in stage.children() if "spawn_main" in " ".join(one.cmdline()))]
                    samples.append((sum(one.memory_info().rss for one in ours) / 2**20, stage.num_fds()))
    assert process.returncode == 0, (folder / "said.txt").read_text()[-3000:]
    return samples


def assert_flat(samples: list[tuple[float, int]], what: str) -> None:
    steady = samples[int(len(samples) * WARM) :]
    third = len(steady) // 3
    assert third >= 5, f"{what}: too short to see anything ({len(samples)} samples)"
    first, last = steady[:third], steady[-third:]
    memory = [statistics.median(sample[0] for sample in part) for part in (first, last)]
    files = [max(sample[1] for sample in part) for part in (first, last)]
    print(f"{what}: {memory[0]:.0f} to {memory[1]:.0f} MB, {files[0]} to {files[1]} open files")
    assert memory[1] - memory[0] < GROWTH, f"{what}: {memory[0]:.0f} MB became {memory[1]:.0f} MB"
    assert files[1] <= files[0] + 2, f"{what}: {files[0]} open files became {files[1]}"


@pytest.mark.torture
def test_two_thousand_clips_through_the_data_stages(tmp_path: Path, cases_of: CasesOf) -> None:
    for number in range(VIDEOS):
        write_video(tmp_path / "v" / f"{number}.mp4", 40 * number)
        write_keypoints(tmp_path / "k" / f"{number}.pkl", f"{number}")
    names = [f"{n % VIDEOS}" for n in range(CLIPS)]
    rows = [(f"c{n}", f"v/{name}.mp4", 0.0, "", f"k/{name}.pkl", f"i{n}") for n, name in enumerate(names)]
    pd.DataFrame(rows, columns=SHARD_COLUMNS).to_csv(tmp_path / "0000.csv", index=False)
    settings = SMALL | {"clips": {"folder": {"videos": "v"}, "shards": 1}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    inputs = {"frames": (), "pose": ("frames",), "crops": ("frames", "pose"), "heatmaps": ("crops",)}
    for stage in DATA_STAGES:
        given = [word for name in inputs[stage] for word in (f"--{name}", f"{name}.h5")]
        command = [sys.executable, "-m", "camfuse", stage, "--config", "config.yaml", "--clips", "0000.csv"]
        assert_flat(watched([*command, *given, "--output", f"{stage}.h5"], tmp_path, f"{stage}.h5.part"), stage)
    with Shard(tmp_path / "heatmaps.h5", stage="heatmaps") as shard:
        assert len(list(shard)) == CLIPS
    cases_of("clips in one shard", survived=CLIPS)


@pytest.mark.torture
@pytest.mark.parametrize("workers", [0, 2])
def test_two_hundred_training_steps(make_run: Callable[..., MadeRun], tmp_path: Path, workers: int) -> None:
    batch, clips = 4, 40 * 3
    epochs = -(-STEPS * batch // clips)
    run = make_run(
        tmp_path / "run",
        {"train": 40, "val": 2},
        train={part: phase(epochs=epochs, repeat=1, batch=batch) for part in ("rgb", "pose", "fusion")},
        machine={"device": "cpu", "workers": workers, "save_steps": 20},
    )
    command = [sys.executable, "-m", "camfuse", "train-part", "pose", "--config", str(run.run.config_file)]
    samples = watched([*command, "--output", "pose"], tmp_path, "pose/*.ckpt")
    assert_flat(samples, f"training, {workers} workers")


def test_growth_is_seen() -> None:
    leak = [(100 + n / 10, 9) for n in range(1000)]
    with pytest.raises(AssertionError, match="MB became"):
        assert_flat(leak, "leak")
    with pytest.raises(AssertionError, match="open files became"):
        assert_flat([(100, 9 + n // 100) for n in range(1000)], "leak")
