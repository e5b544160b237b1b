"""What a sequence stream's answer rests on, by hand on a stream that looks at one channel."""

import pytest
import torch
from made_training import THREE

from camfuse.config import Model
from camfuse.model.recogniser import build_recogniser
from camfuse.model.saliency import sequence_saliency
from camfuse.model.sequence import IN_CHANNELS


def test_only_what_is_looked_at_counts() -> None:
    torch.manual_seed(0)
    model = build_recogniser(Model.model_validate(THREE), num_classes=3, part="sequence").eval()
    assert model.sequence is not None
    with torch.no_grad():
        model.sequence.stem.weight[:, :7] = 0
        model.sequence.stem.weight[:, 8:] = 0
    sequence = torch.randn(2, IN_CHANNELS, 8)
    sequence[0, 7, 3] = 0
    found = sequence_saliency(model, sequence)
    assert found.shape == sequence.shape and (found >= 0).all()
    others = torch.arange(IN_CHANNELS) != 7
    assert not found[:, others].any() and found[:, 7].any(1).all()
    assert found[0, 7, 3] == 0  # where there is nothing, nothing is added
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not sequence.requires_grad


def test_it_is_the_change_to_the_first_order() -> None:
    torch.manual_seed(1)
    model = build_recogniser(Model.model_validate(THREE), num_classes=3, part="sequence").eval().double()
    sequence = torch.randn(1, IN_CHANNELS, 8, dtype=torch.float64)
    found = sequence_saliency(model, sequence)
    flat = int(found.argmax())
    channel, moment = divmod(flat, 8)
    with torch.no_grad():
        before = model(sequence=sequence)["sequence"].log_softmax(1)
        word, step = int(before.argmax()), 1e-5
        smaller = sequence.clone()
        smaller[0, channel, moment] *= 1 - step
        after = model(sequence=smaller)["sequence"].log_softmax(1)
    assert abs(float(before[0, word] - after[0, word])) / step == pytest.approx(float(found.max()), rel=1e-3)


def test_another_stream_is_refused() -> None:
    model = build_recogniser(Model.model_validate(THREE), num_classes=3, part="rgb")
    with pytest.raises(ValueError, match="expected a recogniser with a sequence stream, found one for rgb"):
        sequence_saliency(model, torch.zeros(1, IN_CHANNELS, 8))
