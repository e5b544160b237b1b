"""What the sequence stream and the streams on a grid tell each other."""

import pytest
import torch
from torch import Tensor

from camfuse.config import Fusion
from camfuse.model.fusion.sequence_exchange import SequenceExchange, SequenceExchanges

C, W, T, L = 6, 5, 2, 4
FUSION = Fusion(width=8, heads=2, dropout=0, modality_dropout=0)


def exchange(*, telling: bool = True, **changes: float) -> SequenceExchange:
    torch.manual_seed(0)
    made = SequenceExchange(C, W, FUSION.model_copy(update=changes))
    if telling:
        for last in (made.out_grid, made.out_sequence):
            torch.nn.init.normal_(last.weight)
    return made.eval()


def inputs(batch: int = 3) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    return torch.randn(batch, C, T, 2, 2), torch.randn(batch, W, L)


def test_at_the_start_it_tells_nothing() -> None:
    to_grid, to_sequence = exchange(telling=False)(*inputs(), None)
    assert not to_grid.any() and not to_sequence.any()
    assert to_grid.shape == (3, C, T, 2, 2) and to_sequence.shape == (3, W, L)


def test_a_message_is_made_of_the_other_stream_alone() -> None:
    grid, sequence = inputs()
    told = exchange()
    to_grid, to_sequence = told(grid, sequence, None)
    moved = sequence.clone()
    moved[:, 0, 0] += 3  # of one channel: the norm takes what is added to all
    assert (told(grid, moved, None)[0] - to_grid).abs().amax() > 1e-3
    silent = exchange(telling=False)
    silent.out_grid.weight.data.normal_()
    assert not silent(grid, sequence, None)[1].any() and to_sequence.any()


def test_frames_without_anybody_are_not_looked_at() -> None:
    grid, sequence = inputs()
    told, visible = exchange(), torch.tensor([[True, False]] * 3)
    before = told(grid, sequence, visible)[1]
    other = grid.clone()
    other[:, :, 1] = 7
    torch.testing.assert_close(told(other, sequence, visible)[1], before, rtol=0, atol=0)
    assert not torch.allclose(told(other, sequence, None)[1], told(grid, sequence, None)[1])
    assert not told(grid, sequence, torch.zeros(3, T, dtype=torch.bool))[1].any()


def test_clips_do_not_see_each_other() -> None:
    grid, sequence = inputs()
    together = exchange()(grid, sequence, None)
    alone = [exchange()(grid[i : i + 1], sequence[i : i + 1], None) for i in range(3)]
    for number, whole in enumerate(together):
        torch.testing.assert_close(torch.cat([one[number] for one in alone]), whole)


def test_modality_dropout_takes_messages_in_training_only() -> None:
    told = exchange(modality_dropout=1.0)
    assert told(*inputs(), None)[0].any()
    told.train()
    assert not any(message.any() for message in told(*inputs(), None))


def test_stream_dropout_leaves_a_sample_the_messages_alone_in_training() -> None:
    torch.manual_seed(0)
    one = SequenceExchanges({"pose": C}, W, FUSION.model_copy(update={"stream_dropout": 1.0})).eval()
    for last in (one["pose"].out_grid, one["pose"].out_sequence):
        torch.nn.init.normal_(last.weight)
    grid, sequence = inputs()
    to_grid, to_sequence = one["pose"](grid, sequence, None)
    grids, told = one({"pose": grid}, sequence, {})
    torch.testing.assert_close(grids["pose"], grid + to_grid)
    grids, told = one.train()({"pose": grid}, sequence, {})
    torch.testing.assert_close(grids["pose"], to_grid)
    torch.testing.assert_close(told, to_sequence)


@pytest.mark.parametrize("absent", ["rgb", "pose"])
def test_a_grid_that_is_missing_gets_and_tells_nothing(absent: str) -> None:
    torch.manual_seed(0)
    both = SequenceExchanges({"rgb": C, "pose": C}, W, FUSION).eval()
    for one in both.values():
        torch.nn.init.normal_(one.out_sequence.weight)
    grid, sequence = inputs()
    there = "pose" if absent == "rgb" else "rgb"
    grids, told = both({absent: None, there: grid}, sequence, {})
    assert grids[absent] is None
    torch.testing.assert_close(told, sequence + both[there](grid, sequence, None)[1])


def test_without_a_sequence_the_grids_stay_as_they_are() -> None:
    both = SequenceExchanges({"rgb": C}, W, FUSION)
    grid, _ = inputs()
    grids, sequence = both({"rgb": grid}, None, {})
    assert grids["rgb"] is grid and sequence is None
