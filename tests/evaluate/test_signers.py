"""Counting the tested clips by whether their signer was trained on."""

import pandas as pd
import pytest
import torch

from camfuse.evaluate.signers import Share, SignerScore, gap, score_signers, share_of


def clips(*signers: str) -> pd.DataFrame:
    return pd.DataFrame({"signer": signers}, dtype=str)


def test_right_clips_by_signer_and_row() -> None:
    right, wrong = [0.9, 0.1], [0.1, 0.9]
    rows = {"rgb": torch.tensor([right, wrong, right, right]), "pose": torch.tensor([wrong, wrong, wrong, right])}
    labels = torch.zeros(4, dtype=torch.long)
    found = score_signers(clips("cy", "ann", "cy", ""), clips("cy", "dee"), rows, labels)
    assert found == (
        SignerScore("ann", False, 1, {"rgb": 0, "pose": 0}),
        SignerScore("cy", True, 2, {"rgb": 2, "pose": 0}),
    )
    assert [one.seen for one in score_signers(clips("ann", "cy"), clips("cy", ""), {}, labels[:2])] == [None, True]
    assert share_of(found, "rgb") == Share(2, 3)


def test_the_gap_and_its_interval() -> None:
    """Newcombe (1998), his example (a): 56/70 against 48/80 differ by 0.2 (0.0524 to 0.3339)."""
    found = gap(Share(56, 70), Share(48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
