import itertools

import pytest
import torch
import torch.nn.functional as F

from ccfpse.ops import conditional_depthwise_conv, conditional_depthwise_conv_reference

BOTH = pytest.mark.parametrize(
    "conv", [conditional_depthwise_conv, conditional_depthwise_conv_reference], ids=["used", "reference"]
)
SHAPES = pytest.mark.parametrize(
    "shape", [(2, 3, 5, 7), (1, 1, 1, 1), (1, 4, 2, 9), (0, 3, 4, 4), (2, 3, 4, 0)], ids=str
)


def random_input(shape: tuple[int, ...], size: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    B, C, H, W = shape
    x = torch.randn(B, C, H, W, dtype=torch.float64, requires_grad=True)
    kernels = torch.randn(B, C * size**2, H, W, dtype=torch.float64, requires_grad=True)
    return x, kernels


@BOTH
@pytest.mark.parametrize("size", [1, 3, 5])
def test_constant_kernels_are_an_ordinary_convolution(conv, size) -> None:
    x, k = torch.randn(2, 3, 5, 7), torch.randn(3, 1, size, size)
    kernels = k.view(1, 3 * size**2, 1, 1).expand(2, -1, 5, 7)
    torch.testing.assert_close(conv(x, kernels, size), F.conv2d(x, k, padding=size // 2, groups=3))


@BOTH
def test_every_position_uses_its_own_kernel(conv) -> None:
    x, kernels = random_input((1, 2, 4, 5))
    y = conv(x, kernels)
    for c, i, j in itertools.product(range(2), range(4), range(5)):
        kernel = kernels[0, 9 * c : 9 * c + 9, i, j].view(1, 1, 3, 3)
        torch.testing.assert_close(y[0, c, i, j], F.conv2d(x[:, c : c + 1], kernel, padding=1)[0, 0, i, j])


@SHAPES
def test_shifted_sum_equals_the_reference_with_its_gradients(shape) -> None:
    x, kernels = random_input(shape)
    y = conditional_depthwise_conv(x, kernels)
    direction = torch.randn_like(y)
    found = torch.autograd.grad(y, (x, kernels), direction)
    if x.numel() == 0:  # unfold refuses maps without a position
        assert y.shape == x.shape
        assert [g.shape for g in found] == [x.shape, kernels.shape]
        return
    expected = conditional_depthwise_conv_reference(x, kernels)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(found, torch.autograd.grad(expected, (x, kernels), direction))


def test_gradient_is_that_of_finite_differences() -> None:
    assert torch.autograd.gradcheck(conditional_depthwise_conv, random_input((2, 2, 3, 4)))


@pytest.mark.parametrize("layout", ["transposed", "channels last", "expanded"])
def test_memory_layout_does_not_change_the_result(layout) -> None:
    x, kernels = (t.detach() for t in random_input((2, 3, 5, 6)))
    expected = conditional_depthwise_conv(x, kernels)
    if layout == "transposed":
        x, kernels = (t.mT.contiguous().mT for t in (x, kernels))
    elif layout == "channels last":
        x, kernels = (t.to(memory_format=torch.channels_last) for t in (x, kernels))
    else:
        kernels = kernels[:1].expand(2, -1, -1, -1)
        expected = torch.cat([conditional_depthwise_conv(row[None], kernels[:1]) for row in x])
    torch.testing.assert_close(conditional_depthwise_conv(x, kernels), expected)


def test_result_has_the_type_of_the_features() -> None:
    x, kernels = torch.randn(1, 2, 4, 4, dtype=torch.bfloat16), torch.randn(1, 18, 4, 4)
    assert conditional_depthwise_conv(x, kernels).dtype == torch.bfloat16
    assert conditional_depthwise_conv(x.float(), kernels.bfloat16()).dtype == torch.float32


@BOTH
@pytest.mark.parametrize(
    ("x_shape", "kernel_shape", "size", "said"),
    [
        ((1, 2, 4, 4), (1, 9, 4, 4), 3, r"kernels are \(1, 9, 4, 4\), need \(1, 18, 4, 4\)"),
        ((1, 2, 4, 4), (1, 18, 4, 5), 3, r"need \(1, 18, 4, 4\)"),
        ((1, 2, 4, 4), (1, 8, 4, 4), 2, "must be odd"),
        ((2, 4, 4), (18, 4, 4), 3, r"must be \(B, C, H, W\)"),
    ],
)
def test_what_does_not_fit_is_refused(conv, x_shape, kernel_shape, size, said) -> None:
    with pytest.raises(ValueError, match=said):
        conv(torch.zeros(x_shape), torch.zeros(kernel_shape), size)
