"""What a trained model is given of one clip is what a test takes out of the shards, to the bit."""

import pytest
import torch
from made_training import THREE, MakeRun

from camfuse.config import PARTS, Part
from camfuse.data.dataset import ClipDataset
from camfuse.data.inputs import clip_inputs, needs_crops
from camfuse.prep.arrays import ClipCrops, Floats
from camfuse.run.layout import Run


@pytest.fixture(scope="module")
def run(make_run: MakeRun, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("three"), {"test": 2}, model=THREE).run


@pytest.mark.parametrize("part", PARTS)
def test_the_same_bits_as_the_data_set(run: Run, part: Part) -> None:
    rows = run.clips()
    rows = rows[rows["split"] == "test"].head(2)
    data = ClipDataset(rows, run, part=part, augment=False, samplings=run.config.evaluate.samplings)
    for row, clip_id in enumerate(rows["clip_id"]):
        made, sample = clip_inputs(run.config, part, clip_id, *stored(run, clip_id)), data[row]
        assert set(made) == {name for name in ("rgb", "heatmaps", "sequence") if name in sample}
        for name, values in made.items():
            assert torch.equal(torch.from_numpy(values), sample[name]), name  # type: ignore[literal-required]


def stored(run: Run, clip_id: str) -> tuple[Floats, ClipCrops]:
    name = run.shard_of(clip_id)
    return run.shard("pose", name).read("keypoints", clip_id), ClipCrops.of(run.shard("crops", name), clip_id)


def test_only_what_a_part_looks_at_is_made(run: Run) -> None:
    clip_id = run.clips()["clip_id"].iloc[0]
    keypoints, crops = stored(run, clip_id)
    assert set(clip_inputs(run.config, "fusion", clip_id, keypoints, crops)) == {"rgb", "heatmaps", "sequence"}
    assert set(clip_inputs(run.config, "pose", clip_id, keypoints, crops)) == {"heatmaps"}
    assert set(clip_inputs(run.config, "sequence", clip_id, keypoints, None)) == {"sequence"}
    assert not needs_crops(run.config, "sequence") and needs_crops(run.config, "fusion")
