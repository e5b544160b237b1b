"""What a clip costs does not grow with their number: counted, not timed."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import yaml
from made_training import MadeRun
from made_videos import write_numbers
from run_command import camfuse
from small_run import Workflow

from benchmarks import growth
from camfuse.data.dataset import ClipDataset
from camfuse.run.shard import Shard

OPENED: list[str] | None = None
"""What the process opens, while somebody wants to know; an audit hook cannot be taken off again."""


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if OPENED is not None and event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(_look)


@contextmanager
def opened_in(folder: Path) -> Iterator[Callable[[], Counter[str]]]:
    """Give a function that tells how often each file of a folder was opened."""
    global OPENED  # noqa: PLW0603
    OPENED = []
    inside = f"{folder}/"
    try:
        yield lambda: Counter(path.removeprefix(inside) for path in OPENED or () if path.startswith(inside))
    finally:
        OPENED = None


def config_of(folder: Path, clips: int) -> Path:
    """Write a table of stand-in videos and its config of two shards."""
    (folder / "videos").mkdir(parents=True)
    for number in range(clips):
        (folder / "videos" / f"{number}.mp4").write_text(f"recording {number}")
    rows = {"video": [f"{n}.mp4" for n in range(clips)], "label": [f"word {n % 2}" for n in range(clips)]}
    splits = [("train", "val", "test")[n // 2 % 3] for n in range(clips)]
    pd.DataFrame(rows | {"split": splits}).to_csv(folder / "table.csv", index=False)
    source = {"csv": {"table": str(folder / "table.csv"), "videos": str(folder / "videos")}}
    values = {"output": str(folder / "results"), "clips": source | {"shards": 2}, "pose": {"mediapipe": {}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    return folder / "config.yaml"


def test_the_second_start_reads_no_recording(tmp_path: Path) -> None:
    config = config_of(tmp_path, 40)
    counts = []
    for touched in (None, None, 7):
        if touched is not None:
            (tmp_path / "videos" / f"{touched}.mp4").write_text("another recording")
        with opened_in(tmp_path / "videos") as opened:
            camfuse("clips", "--config", config)
            counts.append(opened())
    assert len(counts[0]) == 40 and counts[1] == {} and counts[2] == {"7.mp4": 1}


def test_a_start_opens_as_many_files_for_many_clips_as_for_few(tmp_path: Path) -> None:
    counts = []
    for clips in (30, 600):
        config = config_of(tmp_path / str(clips), clips)
        camfuse("clips", "--config", config)
        with opened_in(tmp_path / str(clips) / "results") as opened:
            camfuse("clips", "--config", config)
            counts.append(opened())
    assert counts[0] == counts[1] and counts[0]["clips/clips.csv"] <= 2


def test_a_sample_reads_as_much_from_a_large_set_as_from_a_small_one(
    make_run: Callable[..., MadeRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: Counter[str] = Counter()
    for name in ("read", "jpeg"):
        whole = getattr(Shard, name)

        def counted(self: Shard, *given: object, name: str = name, whole: Callable[..., object] = whole) -> object:
            asked[name] += 1
            return whole(self, *given)

        monkeypatch.setattr(Shard, name, counted)
    counts = []
    for clips in (2, 20):
        run = make_run(tmp_path / str(clips), {"train": clips}).run
        dataset = ClipDataset(run.clips(), run, part="fusion", augment=True)
        asked.clear()
        for index in range(6):
            dataset[(0, index)]
        counts.append(dict(asked))
    assert counts[0] == counts[1] and sum(counts[0].values()) <= 6 * 3


def test_snakemakes_start_reads_the_clip_table_as_often_for_many_trainings(tmp_path: Path) -> None:
    """Each training asks whether the clips can be trained; the table is read for the first that asks."""
    video = write_numbers(tmp_path / "made.mp4", frames=4).read_bytes()
    for number in range(12):
        path = tmp_path / "videos" / f"word {number % 2}" / f"{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(video + bytes(number))
    workflow = Workflow(tmp_path)
    source = {"folder": {"videos": str(tmp_path / "videos")}, "shards": 2}
    experiments = {f"seed-{seed}": {"seed": seed} for seed in (2, 3, 4, 5)}
    workflow.settings |= {"clips": source, "pose": {"mediapipe": {}}, "experiments": experiments}
    command = workflow.command("--dry-run", "--quiet", "rules")
    found = growth.use("snakemake", *command[3:], watched=Path("results/clips/clips.csv"))
    assert "experiment_fusion" in found.said and 1 <= found.opened <= 4


@pytest.mark.torture
def test_ten_thousand_clips_cost_as_much_each_as_a_thousand(tmp_path: Path) -> None:
    few, many = (growth.start(tmp_path / str(clips), clips) for clips in (1000, 10_000))
    assert many["files read again"] == 0
    for name in ("first, CPU s", "second, CPU s", "Snakemake's start, CPU s"):
        assert float(str(many[name])) < 10 * float(str(few[name]))
        assert (float(str(many[name])) - float(str(few[name]))) / 9000 < 0.001


@pytest.mark.torture
def test_the_memory_of_reading_is_flat_over_ten_thousand_clips(tmp_path: Path) -> None:
    found = growth.training(tmp_path / "set", 10_000)
    assert float(str(found["grown over the first epoch, MB"])) < 24  # the tables of HDF5 files that are read
    assert float(str(found["over the second, MB"])) < 3
