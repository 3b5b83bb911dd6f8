"""3x3 convolutions by the compiled kernels against PyTorch's; layouts looked up against multiplied ones."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.native.library import Library
from ccfpse.ops import (
    Finish,
    choice,
    conv3x3,
    conv3x3_of_layout,
    find_one_hot,
)


@pytest.fixture(autouse=True)
def _compiled(compiled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "library", lambda: compiled)


def close(found: Tensor, expected: Tensor, tolerance: float = 2e-5) -> None:
    assert found.shape == expected.shape
    assert (found.double() - expected).abs().max() <= tolerance * expected.abs().max()


def layout_of(labels: Tensor, n_labels: int, boundary: Tensor | None) -> Tensor:
    one_hot = F.one_hot(labels, n_labels).permute(0, 3, 1, 2).float()
    return one_hot if boundary is None else torch.cat([one_hot, boundary.float()[:, None]], dim=1)


@pytest.fixture(params=[False, True], ids=["labels", "labels and boundary"])
def layout(request: pytest.FixtureRequest) -> Tensor:
    torch.manual_seed(2)
    labels = torch.randint(5, (2, 5, 7)).repeat_interleave(3, 1).repeat_interleave(2, 2)
    return layout_of(labels, 5, torch.rand(labels.shape) < 0.3 if request.param else None)


@pytest.mark.parametrize("then", [Finish.PLAIN, Finish.RELU, Finish.LEAKY_RELU], ids=str)
@pytest.mark.parametrize("shape", [(1, 3, 4, 4, 4), (2, 17, 33, 5, 9), (1, 128, 64, 20, 31)], ids=str)
def test_equals_pytorchs_with_its_gradients(shape, then) -> None:
    torch.manual_seed(0)
    B, n_in, n_out, H, W = shape
    x, weight, bias = torch.randn(B, n_in, H, W), torch.randn(n_out, n_in, 3, 3), torch.randn(n_out)
    direction = torch.randn(B, n_out, H, W)
    leaves = [t.requires_grad_() for t in (x, weight, bias)]
    y = conv3x3(*leaves, then)
    exact = [t.detach().double().requires_grad_() for t in leaves]
    expected = F.conv2d(*exact, padding=1)
    if then is not Finish.PLAIN:  # a kink has no close gradients: both sides turn where ours does
        expected = torch.where(y > 0, expected, expected * (0.2 if then is Finish.LEAKY_RELU else 0))
    close(y, expected)
    grads = torch.autograd.grad(y, leaves, direction)
    for found, wanted in zip(grads, torch.autograd.grad(expected, exact, direction.double()), strict=True):
        close(found, wanted)


def test_a_layout_is_found_to_be_one_hot(layout) -> None:
    found = find_one_hot(layout)
    assert found is not None
    assert found.has_boundary == (layout.shape[1] == 6)
    weight = torch.randn(4, layout.shape[1], 3, 3)
    table = found.table(weight)
    centre = table[4][found.codes.long()].permute(0, 3, 1, 2)  # the middle tap alone
    torch.testing.assert_close(centre, F.conv2d(layout, weight[:, :, 1:2, 1:2]))


@pytest.mark.parametrize("spoilt", ["half", "two labels", "no label"])
def test_other_layouts_are_not_one_hot(layout, spoilt) -> None:
    if spoilt == "half":
        layout[0, 0, 0, 0] = 0.5
    else:
        layout[0, :5, 1, 1] = 0
        layout[0, :2, 1, 1] = spoilt == "two labels"
    assert find_one_hot(layout) is None


def test_a_layout_alone(layout) -> None:
    weight = torch.randn(9, layout.shape[1], 3, 3).requires_grad_()
    y = conv3x3_of_layout(find_one_hot(layout), weight, None)
    expected = F.conv2d(layout, weight, padding=1)
    close(y, expected.double())
    direction = torch.randn(y.shape)
    (found,), (wanted,) = (torch.autograd.grad(t, weight, direction) for t in (y, expected))
    close(found, wanted.double())


def test_codes_of_a_smaller_size_are_those_of_the_smaller_layout(layout) -> None:
    layout = layout[:, :, :12, :12]
    found = find_one_hot(layout).at_stride(4)
    expected = find_one_hot(F.interpolate(layout, size=(3, 3), mode="nearest"))
    assert torch.equal(found.codes, expected.codes)


def test_wrong_shapes_are_refused(compiled: Library) -> None:
    x, weight = torch.randn(1, 4, 5, 5), torch.randn(8, 3, 3, 3)
    with pytest.raises(ValueError, match="weight is"):
        conv3x3(x, weight, None)
    with pytest.raises(ValueError, match="x is"):
        compiled.apply(x, torch.randn(72, 4, 3, 3), None, torch.randn(1, 8, 4, 4))
    with pytest.raises(ValueError, match="both must be even"):
        compiled.apply(x, torch.randn(72, 4, 3, 3), None, torch.randn(1, 8, 2, 2))
    with pytest.raises(ValueError, match="other is"):
        compiled.conv(x, torch.randn(8, 4, 3, 3), None, other=x)


@pytest.mark.parametrize("shape", [(3, 17, 40, 7, 9), (1, 33, 5, 1, 1), (2, 8, 64, 12, 4)], ids=str)
def test_gates_and_modulations_of_odd_shapes(compiled: Library, shape: tuple[int, ...]) -> None:
    torch.manual_seed(6)
    B, n_in, C, H, W = shape
    hidden, x = torch.randn(B, n_in, H, W).mT.contiguous().mT, torch.randn(B, C, H, W)
    weight, bias = torch.randn(2 * C, n_in, 3, 3), torch.randn(2 * C)
    predicted = F.conv2d(hidden.double(), weight.double(), bias.double(), padding=1)
    gated = compiled.conv(hidden, weight[:C], bias[:C], finish=Finish.GATE, other=x)
    close(gated, F.leaky_relu(x * predicted[:, :C].sigmoid(), 0.2))
    close(compiled.modulate(hidden, weight, bias, x), x * (1 + predicted[:, ::2]) + predicted[:, 1::2])


def test_nan_is_not_hidden() -> None:
    x = torch.full((1, 1, 4, 4), float("nan"))
    assert conv3x3(x, torch.ones(1, 1, 3, 3), None, Finish.RELU).isnan().all()


def test_maps_without_a_position(compiled: Library) -> None:
    nothing, weight = torch.zeros(0, 3, 4, 4), torch.zeros(5, 3, 3, 3)
    assert compiled.conv(nothing, weight, None).shape == (0, 5, 4, 4)
    gw, gbias = compiled.gradient_w(nothing, torch.zeros(0, 5, 4, 4))
    assert gw.shape == (5, 3, 3, 3)
    assert not gw.any()
    assert not gbias.any()
    assert find_one_hot(torch.zeros(0, 3, 4, 4)) is None


def test_a_single_channel_and_nan_are_told_apart() -> None:
    assert find_one_hot(torch.ones(1, 1, 2, 2)) is not None
    assert find_one_hot(torch.full((1, 3, 2, 2), float("nan"))) is None


def test_codes_without_a_table_are_refused(compiled: Library) -> None:
    x, weight = torch.randn(1, 3, 2, 2), torch.randn(5, 3, 3, 3)
    with pytest.raises(ValueError, match="belong together"):
        compiled.conv(x, weight, None, codes=torch.zeros(1, 2, 2, dtype=torch.int32))
