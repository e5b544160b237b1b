"""The benchmark at full size: its made clips are what the package's own training reads."""

import argparse
from pathlib import Path

from benchmarks.full_size import CASES, CLASSES, SIZE, config_of, make_shards, report
from camfuse.clips.table import read_classes, read_clips
from camfuse.data.dataset import ClipDataset
from camfuse.run.layout import Run


def test_made_clips_are_read_at_the_papers_size(tmp_path: Path) -> None:
    options = argparse.Namespace(
        clips=3, tests=1, steps=2, batch=None, workers=0, device="cpu", cache=tmp_path / "cache"
    )
    make_shards(tmp_path, options)
    assert len(read_classes(tmp_path / "clips" / "classes.csv")) == CLASSES == 2000
    rows = read_clips(tmp_path / "clips" / "clips.csv")
    assert rows["split"].tolist() == ["train"] * 3 + ["test"]
    for case in CASES.values():
        config = config_of(case, tmp_path, options)
        assert config.train.precision == case.precision
        clips = ClipDataset(rows, Run(config), part=case.part, augment=True)
        assert len(clips) == 4
    sample = clips[0]
    assert sample["rgb"].shape == (1, 3, 8, SIZE, SIZE)
    assert sample["heatmaps"].shape == (1, 133, 32, SIZE // 4, SIZE // 4)


def test_the_table_has_a_row_per_training() -> None:
    row = {"training": "rgb bf16", "batch": 48, "workers": 14, "clips_per_second": 323.7, "waited": 0.214}
    row |= {"gpu_memory_gb": 17.54, "minutes": 2.5, "test_clips_per_second": 16.14, "test_gpu_memory_gb": 0.64}
    step = {"network": "ours", "arithmetic": "bf16", "batch": 16, "clips_per_second": 90.6, "memory_gb": 10.27}
    text = report([row], [step], argparse.Namespace(device="cpu", workers=14, steps=30, peer=["bf16"]))
    assert "`python -m benchmarks.full_size --workers 14 --peer bf16`" in text
    assert "| rgb bf16 | 48 | 14 | 324 | 21% | 17.54 | 2.5 | 16.1 | 0.64 |" in text
    assert "| ours | bf16 | 16 | 91 | 10.3 |" in text
