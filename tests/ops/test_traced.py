"""The forms that graphs get, against the definition."""

import pytest
import torch

from ccfpse.ops import predicted_depthwise_conv_reference
from ccfpse.ops.plain import Plain
from ccfpse.ops.traced import Traced


@pytest.mark.parametrize("side", [1, 3, 5, 7])
@pytest.mark.parametrize("has_bias", [True, False])
def test_kernels_tap_by_tap_are_those_of_the_definition(side: int, has_bias: bool) -> None:
    torch.manual_seed(0)
    x, hidden = torch.randn(2, 3, 6, 9), torch.randn(2, 4, 6, 9)
    weight = torch.randn(3 * side**2, 4, 3, 3)
    bias = torch.randn(3 * side**2) if has_bias else None
    expected = predicted_depthwise_conv_reference(x, hidden, weight, bias)
    torch.testing.assert_close(Traced().apply(hidden, weight, bias, x), expected, rtol=1e-4, atol=1e-4)


def test_maps_are_scaled_and_enlarged_before() -> None:
    torch.manual_seed(0)
    x, hidden = torch.randn(2, 3, 3, 5), torch.randn(2, 4, 6, 10)
    weight, scale, shift = torch.randn(27, 4, 3, 3), torch.randn(3), torch.randn(3)
    arguments = (hidden, weight, None, x, scale, shift)
    torch.testing.assert_close(Traced().apply(*arguments), Plain().apply(*arguments), rtol=1e-4, atol=1e-4)


def test_a_graph_has_no_loop_over_strips() -> None:
    from ccfpse.ops import Condition, Scaled, filtered

    class Block(torch.nn.Module):
        def forward(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
            first, last = (torch.ones(4, 2, 3, 3), torch.ones(4)), (torch.ones(27, 4, 3, 3), torch.ones(27))
            return filtered(Scaled(x), Condition(features), first, last)

    n_nodes = []
    for height in (8, 1024):  # more rows than a strip of PyTorch's form has
        with torch.no_grad():
            inputs = (torch.empty(1, 3, height, 1024), torch.empty(1, 2, height, 1024))
            n_nodes.append(len(torch.export.export(Block(), inputs, strict=False).graph.nodes))
    assert n_nodes[0] == n_nodes[1]
