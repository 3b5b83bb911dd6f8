import itertools

import pytest
import torch
import torch.nn.functional as F

from ccfpse.ops import conditional_depthwise_conv_reference
from ccfpse.ops.depthwise import conditional_depthwise_conv, filter_padded, gradient_kernels, gradient_padded

BOTH = (conditional_depthwise_conv, conditional_depthwise_conv_reference)


def random_input(shape: tuple[int, ...], size: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    B, C, H, W = shape
    x = torch.randn(B, C, H, W, dtype=torch.float64, requires_grad=True)
    kernels = torch.randn(B, C * size**2, H, W, dtype=torch.float64, requires_grad=True)
    return x, kernels


@pytest.mark.parametrize("size", [1, 3, 5])
def test_constant_kernels_are_an_ordinary_convolution(size) -> None:
    x, k = torch.randn(2, 3, 5, 7), torch.randn(3, 1, size, size)
    kernels = k.view(1, 3 * size**2, 1, 1).expand(2, -1, 5, 7)
    found = conditional_depthwise_conv_reference(x, kernels, size)
    torch.testing.assert_close(found, F.conv2d(x, k, padding=size // 2, groups=3))


def test_every_position_uses_its_own_kernel() -> None:
    x, kernels = random_input((1, 2, 4, 5))
    y = conditional_depthwise_conv_reference(x, kernels)
    for c, i, j in itertools.product(range(2), range(4), range(5)):
        kernel = kernels[0, 9 * c : 9 * c + 9, i, j].view(1, 1, 3, 3)
        torch.testing.assert_close(y[0, c, i, j], F.conv2d(x[:, c : c + 1], kernel, padding=1)[0, 0, i, j])


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 1, 1), (1, 4, 2, 9)], ids=str)
@pytest.mark.parametrize("size", [1, 3, 5])
def test_shifted_sum_equals_the_reference_with_its_gradients(shape, size) -> None:
    x, kernels = random_input(shape, size)
    y, expected = (conv(x, kernels, size) for conv in BOTH)
    torch.testing.assert_close(y, expected)
    direction = torch.randn_like(y)
    found, wanted = (torch.autograd.grad(t, (x, kernels), direction) for t in (y, expected))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 1, 1, 1), (1, 4, 2, 9)], ids=str)
@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_pieces_equal_the_reference_with_its_gradients(shape, size) -> None:
    x, kernels = random_input(shape, size)
    expected = conditional_depthwise_conv_reference(x, kernels, size)
    direction, margin = torch.randn_like(expected), size // 2
    gx, gkernels = torch.autograd.grad(expected, (x, kernels), direction)
    padded, kernels = F.pad(x.detach(), [margin] * 4), kernels.detach()
    torch.testing.assert_close(filter_padded(padded, kernels, size), expected.detach())
    _, _, H, W = shape
    whole = gradient_padded(kernels, direction, size)
    torch.testing.assert_close(whole[:, :, margin : margin + H, margin : margin + W], gx)
    torch.testing.assert_close(gradient_kernels(padded, direction, size), gkernels)


@pytest.mark.parametrize(
    ("x_shape", "kernel_shape", "size", "said"),
    [
        ((1, 2, 4, 4), (1, 9, 4, 4), 3, r"kernels are \(1, 9, 4, 4\), need \(1, 18, 4, 4\)"),
        ((1, 2, 4, 4), (1, 18, 4, 5), 3, r"need \(1, 18, 4, 4\)"),
        ((1, 2, 4, 4), (1, 8, 4, 4), 2, "must be odd"),
        ((2, 4, 4), (18, 4, 4), 3, r"must be \(B, C, H, W\)"),
    ],
)
def test_what_does_not_fit_is_refused(x_shape, kernel_shape, size, said) -> None:
    with pytest.raises(ValueError, match=said):
        conditional_depthwise_conv_reference(torch.zeros(x_shape), torch.zeros(kernel_shape), size)


def test_gradient_is_that_of_finite_differences() -> None:
    assert torch.autograd.gradcheck(conditional_depthwise_conv, random_input((2, 2, 3, 4)))


def test_result_has_the_type_of_the_features() -> None:
    x, kernels = torch.randn(1, 2, 4, 4, dtype=torch.bfloat16), torch.randn(1, 18, 4, 4)
    assert conditional_depthwise_conv(x, kernels).dtype == torch.bfloat16
    assert conditional_depthwise_conv(x.float(), kernels.bfloat16()).dtype == torch.float32
