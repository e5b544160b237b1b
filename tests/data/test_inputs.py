"""What a trained model is given of one clip is what a test takes out of the shards, to the bit."""

import pytest
import torch
from made_training import MadeRun

from camfuse.config import PARTS, Part
from camfuse.data.dataset import ClipDataset
from camfuse.data.inputs import clip_inputs
from camfuse.prep.arrays import ClipCrops
from camfuse.run.layout import INPUTS


@pytest.mark.parametrize("part", PARTS)
def test_the_same_bits_as_the_data_set(trained: MadeRun, part: Part) -> None:
    run, rows = trained.run, trained.run.clips()
    rows = rows[rows["split"] == "test"].head(2)
    data = ClipDataset(rows, run, part=part, augment=False, samplings=run.config.evaluate.samplings)
    for row, clip_id in enumerate(rows["clip_id"]):
        crops = ClipCrops.of(run.shard("crops", run.shard_of(clip_id)), clip_id)
        made, sample = clip_inputs(run.config, part, clip_id, crops), data[row]
        assert set(made) == {name for name in ("rgb", "heatmaps") if name in sample}
        for name, values in made.items():
            assert torch.equal(torch.from_numpy(values), sample[name]), name  # type: ignore[literal-required]


def test_only_what_a_part_looks_at_is_made(trained: MadeRun) -> None:
    run = trained.run
    clip_id = run.clips()["clip_id"].iloc[0]
    crops = ClipCrops.of(run.shard("crops", run.shard_of(clip_id)), clip_id)
    assert len(INPUTS["fusion"]) == len(clip_inputs(run.config, "fusion", clip_id, crops)) == 2
    assert set(clip_inputs(run.config, "pose", clip_id, crops)) == {"heatmaps"}
