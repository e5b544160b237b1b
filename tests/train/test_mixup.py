"""Mixed clips, by hand."""

import numpy as np
import torch

from camfuse.data.dataset import Sample
from camfuse.train.mixup import mix_clips


def test_mixup_by_hand() -> None:
    rgb = torch.arange(4, dtype=torch.uint8).mul(60).view(4, 1, 1, 1, 1, 1)
    batch = Sample(rgb=rgb, heatmaps=rgb + 1, label=torch.arange(4), index=torch.arange(4))
    shares = []
    for seed in range(50):
        mixed = mix_clips(batch, 0.5, np.random.default_rng(seed))
        shares.append(mixed.share)
        partner = mixed.other  # labels are the clips' numbers
        expected = mixed.share * rgb.flatten() + (1 - mixed.share) * rgb.flatten()[partner]
        torch.testing.assert_close(mixed.batch["rgb"].flatten(), expected)
        torch.testing.assert_close(mixed.batch["heatmaps"].flatten(), expected + 1)
        assert mixed.batch["label"].tolist() == [0, 1, 2, 3]
        assert sorted(partner.tolist()) == [0, 1, 2, 3]
    assert 0.5 <= min(shares) < 0.6 and 0.95 < max(shares) <= 1
    assert batch["rgb"].flatten().tolist() == [0, 60, 120, 180]
