"""Counting the tested clips by whether their signer was trained on."""

import pandas as pd
import pytest

from camfuse.evaluate.signers import SignerCounts, count_signers


def clips(*signers: str) -> pd.DataFrame:
    return pd.DataFrame({"signer": signers}, dtype=str)


@pytest.mark.parametrize(
    ("tested", "trained", "unseen", "seen", "unknown"),
    [
        (("ann", "ann", "ben"), ("cy", "dee"), 3, 0, 0),
        (("ann", "cy"), ("cy", "ann"), 0, 2, 0),
        (("ann", "cy", "", ""), ("cy", "cy"), 1, 1, 2),
        (("", ""), ("", ""), 0, 0, 2),
        (("ann", "cy"), ("cy", ""), 0, 1, 1),  # the clip without a signer may be ann's
        (("ann", "ben"), (), 0, 0, 2),  # nobody says who was trained on
    ],
)
def test_counts(tested: tuple[str, ...], trained: tuple[str, ...], unseen: int, seen: int, unknown: int) -> None:
    assert count_signers(clips(*tested), clips(*trained)) == SignerCounts(unseen, seen, unknown)


def test_what_holds_of_all() -> None:
    assert SignerCounts(3, 0, 0).of_all() == "unseen"
    assert SignerCounts(0, 3, 0).of_all() == "seen"
    assert SignerCounts(0, 0, 3).of_all() == "unknown"
    assert SignerCounts(0, 1, 3).of_all() is None
