"""What messages carry: whose are told, what a network without them is, and how much of its keys a query looks at."""

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from benchmarks.messages import (
    WAYS,
    Told,
    change_of,
    changed_messages,
    measured_messages,
    partners,
    section,
    share_of_keys,
)
from camfuse.config import Model
from camfuse.model.attention import AttentionMap
from camfuse.model.recogniser import Recogniser, build_recogniser
from camfuse.model.sequence import IN_CHANNELS

SMALL = {
    "rgb": {"depths": (1, 1, 1, 1), "channels": 4},
    "pose": {"depths": (1, 1, 1), "channels": 4},
    "sequence": {"width": 8, "depth": 1},
    "fusion": {"stages": ["s4"], "width": 8, "heads": 2},
}


def made() -> tuple[Recogniser, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    recogniser = build_recogniser(Model.model_validate(SMALL), num_classes=3, part="fusion")
    with torch.no_grad():
        for parameter in recogniser.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    inputs = {
        "rgb": torch.randint(0, 256, (3, 3, 2, 64, 64), dtype=torch.uint8),
        "heatmaps": torch.randint(0, 256, (3, 133, 4, 16, 16), dtype=torch.uint8),
        "sequence": torch.randn(3, IN_CHANNELS, 6),
    }
    return recogniser.eval(), inputs


def test_whose_messages_are_told() -> None:
    labels = np.array([0, 0, 1, 2])
    own = [0, 1, 2, 3]
    assert partners(labels, "as trained").tolist() == partners(labels, "none").tolist() == own
    assert partners(labels, "of the same word").tolist() == [1, 0, 2, 3]  # the last two are the only ones of their word
    others = partners(labels, "of another word")
    assert (labels[others] != labels).all()


def test_without_messages_each_stream_answers_as_it_does_alone() -> None:
    model, inputs = made()
    with torch.no_grad():
        together = model(**inputs)
        with changed_messages(model, change_of("none", np.arange(3))):
            without = model(**inputs)
        again = model(**inputs)
        for head, name in (("rgb", "rgb"), ("pose", "heatmaps"), ("sequence", "sequence")):
            alone = model(**{name: inputs[name]})[head]
            torch.testing.assert_close(without[head], alone)
            assert not torch.allclose(together[head], alone)
            assert torch.equal(again[head], together[head])  # the network is left as it was


def test_another_clips_messages_change_what_only_they_can() -> None:
    model, inputs = made()
    with torch.no_grad(), changed_messages(model, change_of("of another word", np.array([1, 0, 2]))):
        told = model(**inputs)
    with torch.no_grad():
        own = model(**inputs)
    torch.testing.assert_close(told["pose"][2], own["pose"][2])
    assert not torch.allclose(told["pose"][:2], own["pose"][:2])


def test_sizes_of_each_exchange() -> None:
    model, inputs = made()
    with torch.no_grad(), measured_messages(model) as sizes:
        model(**inputs)
    assert list(sizes) == [
        *("RGB, s4", "pose, s4", "RGB, from the sequence", "sequence, from RGB"),
        *("pose, from the sequence", "sequence, from pose"),
    ]
    assert all(size > 0 for size in sizes.values())


def test_a_query_that_looks_everywhere_alike_has_all_keys_and_one_that_sees_none_does_not_count() -> None:
    def share(*queries: list[float]) -> float:  # one clip, one moment a query, keys 1 x 2 x 2
        weights = torch.tensor([queries]).unflatten(2, (1, 2, 2))
        return share_of_keys(AttentionMap("last", "joint", "sequence", "pose", weights))

    assert share([0.25] * 4, [0.0] * 4) == pytest.approx(1)
    assert share([1.0, 0, 0, 0]) == pytest.approx(0.25)


def test_the_table_says_who_follows_the_sender() -> None:
    labels = np.array([0, 1])
    senders = {way: np.array([1, 0]) if way == WAYS[3] else np.array([0, 1]) for way in WAYS}
    answers = {(way, "rgb"): np.array([0, 0]) for way in WAYS}
    page = section("a set", [Told(labels, senders, answers, {"RGB, s4": 0.5}, {"layer": 1.0})])
    assert "| as trained | 50.0 |" in page
    assert "| of another word | 50.0 (50.0) |" in page
    assert "RGB, s4 0.50." in page
