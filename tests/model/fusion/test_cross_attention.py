"""Attention and positions, each by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from camfuse.model.fusion.cross_attention import CrossAttention, PositionEmbedding, multiplied_out


def attention() -> CrossAttention:
    torch.manual_seed(0)
    return CrossAttention(8, 2, 0.0)


@settings(max_examples=20)
@given(order=st.permutations(range(5)), queries=st.permutations(range(3)))
def test_attention_does_not_depend_on_the_order_of_keys_and_follows_that_of_queries(
    order: list[int], queries: list[int]
) -> None:
    generator = torch.Generator().manual_seed(3)
    query, key, value = (torch.randn(2, n, 8, generator=generator) for n in (3, 5, 5))
    visible = torch.tensor([[True, False, True, True, False], [True] * 5])
    attend = attention()
    expected = attend(query, key, value, visible)[:, queries]
    found = attend(query[:, queries], key[:, order], value[:, order], visible[:, order])
    torch.testing.assert_close(found, expected)


def test_attention_equals_its_formula() -> None:
    attend = attention()
    query, key, value = torch.randn(1, 2, 8), torch.randn(1, 3, 8), torch.randn(1, 3, 8)
    q, k, v = attend.query(query)[0], attend.key(key)[0], attend.value(value)[0]
    heads = [
        torch.softmax(q[:, half] @ k[:, half].T / 2, -1) @ v[:, half] for half in (slice(0, 4), slice(4, 8))
    ]  # 4 channels a head: scale 1 / sqrt(4)
    torch.testing.assert_close(attend(query, key, value, None)[0], attend.out(torch.cat(heads, -1)))


def test_positions_of_rgb_lie_in_the_middle_of_their_pose_group() -> None:
    position = PositionEmbedding(4)
    with torch.no_grad():
        position.time.copy_(torch.arange(32.0)[:, None].expand(-1, 4))
        position.row.zero_(), position.column.zero_()
    assert position(8, 1, 1)[:, 0, 0, 0].tolist() == [1.5 + 4 * t for t in range(8)]
    assert position(32, 1, 1)[:, 0, 0, 0].tolist() == list(range(32))


@pytest.mark.parametrize("masked", [False, True])
def test_multiplied_out_is_the_fused_attention(masked: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    query, key, value = (torch.randn(5, 2, n, 4, generator=generator, requires_grad=True) for n in (3, 7, 7))
    usable = torch.rand(5, 1, 1, 7, generator=generator) > 0.4 if masked else None
    if usable is not None:
        usable[:, :, :, 0] = True
    expected = functional.scaled_dot_product_attention(query, key, value, usable)
    found = multiplied_out(query, key, value, usable)
    torch.testing.assert_close(found, expected)
    wanted = torch.randn(expected.shape, generator=generator)
    for mine, torchs in zip(
        *(torch.autograd.grad(y, (query, key, value), wanted) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(mine, torchs)
