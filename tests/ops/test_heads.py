"""Filters, gates and modulations by two predicting layers, against the same written down in PyTorch."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.ops import (
    Condition,
    Scaled,
    conditional_depthwise_conv_reference,
    filtered,
    find_one_hot,
    gated,
    modulated,
    plain,
    predicted,
)
from ccfpse.ops.plain import Plain

B, K, N_FEATURES, HIDDEN, C, H, W = 2, 6, 5, 12, 7, 6, 10


def layout(dtype: torch.dtype = torch.float32) -> Tensor:
    torch.manual_seed(1)
    labels = torch.randint(K - 1, (B, H // 2, W // 2)).repeat_interleave(2, 1).repeat_interleave(2, 2)
    one_hot = F.one_hot(labels, K - 1).permute(0, 3, 1, 2)
    return torch.cat([one_hot, torch.rand(B, 1, H, W) < 0.3], dim=1).to(dtype)


@pytest.fixture(params=["compiled", "looked up", "strips", "kept"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    backend = Plain() if request.param in ("strips", "kept") else request.getfixturevalue("compiled")
    monkeypatch.setattr(predicted, "_backend", lambda inputs, is_half=False: backend)
    monkeypatch.setattr(plain, "_STRIP_BYTES", {"cpu": 1})
    if request.param == "strips":
        monkeypatch.setattr(plain, "_KEPT_BYTES", 0)
    return request.param


@pytest.fixture(params=[0, 1 << 30], ids=["strips", "kept"])
def plain_form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "_STRIP_BYTES", {"cpu": 1})
    monkeypatch.setattr(plain, "_KEPT_BYTES", request.param)


def conv(x: Tensor, layer: tuple[Tensor, Tensor]) -> Tensor:
    return F.conv2d(x, *layer, padding=1)


def filter_written_down(x: Tensor, hidden: Tensor, last: tuple[Tensor, Tensor]) -> Tensor:
    return conditional_depthwise_conv_reference(x, conv(hidden, last))


def gate_written_down(x: Tensor, hidden: Tensor, last: tuple[Tensor, Tensor]) -> Tensor:
    return F.leaky_relu(x * conv(hidden, last).sigmoid(), 0.2)


def modulation_written_down(
    x: Tensor, hidden: Tensor, gamma: tuple[Tensor, Tensor], beta: tuple[Tensor, Tensor]
) -> Tensor:
    return x * (1 + conv(hidden, gamma)) + conv(hidden, beta)


HEADS = pytest.mark.parametrize(
    ("ours", "written_down", "n_predicted"),
    [
        (filtered, filter_written_down, [9 * C]),
        (lambda x, *others: gated(x.map, *others), gate_written_down, [C]),
        (modulated, modulation_written_down, [C, C]),
    ],
    ids=["filter", "gate", "modulation"],
)


def inputs(n_predicted: list[int], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    """x, features, and weight and bias of every layer."""
    torch.manual_seed(0)
    tensors = [torch.randn(B, C, H, W), torch.randn(B, N_FEATURES, H, W)]
    for n_in, n_out in [(K + N_FEATURES, HIDDEN)] + [(HIDDEN, n) for n in n_predicted]:
        tensors += [torch.randn(n_out, n_in, 3, 3) / n_in**0.5, torch.randn(n_out)]
    return [t.to(dtype).requires_grad_() for t in tensors]


def layers(tensors: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    return list(zip(tensors[2::2], tensors[3::2], strict=True))


def run(ours: Callable[..., Tensor], form: str, tensors: list[Tensor], x: Scaled | None = None) -> Tensor:
    features = tensors[1]
    seen = layout(features.dtype)
    if form == "looked up":
        condition = Condition(features, find_one_hot(seen))
    else:
        condition = Condition(torch.cat([seen, features], dim=1))
    return ours(Scaled(tensors[0]) if x is None else x, condition, *layers(tensors))


def expect(written_down: Callable[..., Tensor], tensors: list[Tensor], x: Tensor | None = None) -> Tensor:
    first, *others = layers(tensors)
    hidden = conv(torch.cat([layout(tensors[1].dtype), tensors[1]], dim=1), first).relu()
    return written_down(tensors[0] if x is None else x, hidden, *others)


def assert_near(found: Tensor, expected: Tensor, tolerance: float) -> None:
    assert found.shape == expected.shape
    assert (found.double() - expected.double()).abs().max() <= tolerance * expected.abs().max()


@HEADS
def test_equals_what_is_written_down_with_its_gradients(form, ours, written_down, n_predicted) -> None:
    tensors = inputs(n_predicted)
    exact = [t.detach().double().requires_grad_() for t in tensors]
    y, expected = run(ours, form, tensors), expect(written_down, exact)
    assert_near(y, expected, 3e-5)
    direction = torch.randn(y.shape)
    wanted = torch.autograd.grad(expected, exact, direction.double())
    for found, gradient in zip(torch.autograd.grad(y, tensors, direction), wanted, strict=True):
        assert_near(found, gradient, 1e-4)


@HEADS
@pytest.mark.usefixtures("plain_form")
def test_is_exact_in_float64(ours, written_down, n_predicted) -> None:
    tensors = inputs(n_predicted, torch.float64)
    y, expected = run(ours, "multiplied", tensors), expect(written_down, tensors)
    assert_near(y, expected, 1e-12)
    direction = torch.randn_like(y)
    wanted = torch.autograd.grad(expected, tensors, direction)
    for found, gradient in zip(torch.autograd.grad(y, tensors, direction), wanted, strict=True):
        assert_near(found, gradient, 1e-9)


@HEADS
@pytest.mark.usefixtures("plain_form")
def test_gradient_is_that_of_finite_differences(ours, written_down, n_predicted) -> None:
    tensors = inputs(n_predicted, torch.float64)
    assert torch.autograd.gradcheck(
        lambda *given: run(ours, "multiplied", list(given)), tensors, fast_mode=True
    )


@HEADS
@pytest.mark.parametrize("chosen", range(4))
def test_a_single_gradient_is_the_one_of_all(form, ours, written_down, n_predicted, chosen) -> None:
    tensors = inputs(n_predicted)
    direction = torch.randn(B, C, H, W)
    wanted = torch.autograd.grad(run(ours, form, tensors), tensors, direction)[chosen]
    alone = [t.detach().requires_grad_(i == chosen) for i, t in enumerate(tensors)]
    (found,) = torch.autograd.grad(run(ours, form, alone), [alone[chosen]], direction)
    assert torch.equal(found, wanted)


@HEADS
def test_without_gradients_the_result_is_the_same(form, ours, written_down, n_predicted) -> None:
    tensors = inputs(n_predicted)
    with_gradients = run(ours, form, tensors)
    with torch.no_grad():
        torch.testing.assert_close(run(ours, form, tensors), with_gradients)


@HEADS
@pytest.mark.parametrize("size", [(H, W), (H // 2, W // 2)], ids=str)
def test_maps_are_scaled_and_enlarged_as_they_are_read(form, ours, written_down, n_predicted, size) -> None:
    if n_predicted == [C]:
        size = (H, W)  # gates see maps of their own size, as they are
    tensors = [t.detach() for t in inputs(n_predicted)]
    scale, shift = (None, None) if n_predicted == [C] else torch.randn(2, C)
    x = Scaled(torch.randn(B, C, *size), scale, shift)
    whole = x.at((H, W))
    if scale is not None:
        scaled = x.map * scale[:, None, None] + shift[:, None, None]
        torch.testing.assert_close(whole, F.interpolate(scaled, (H, W)))
    with torch.no_grad():
        exact = [t.double() for t in tensors]
        assert_near(run(ours, form, tensors, x), expect(written_down, exact, whole.double()), 3e-5)


@HEADS
def test_under_autocast_it_is_near_with_gradients_in_the_types_of_the_inputs(
    form, ours, written_down, n_predicted
) -> None:
    tensors = inputs(n_predicted)
    expected = expect(written_down, tensors)
    direction = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, tensors, direction)
    with torch.autocast("cpu", torch.bfloat16):
        y = run(ours, form, tensors)
    assert_near(y, expected, 0.03)
    for found, gradient, tensor in zip(
        torch.autograd.grad(y, tensors, direction.to(y.dtype)), wanted, tensors, strict=True
    ):
        assert found.dtype == tensor.dtype
        # As a whole: a hidden feature near zero may be on the other side of its kink.
        assert (found - gradient).norm() <= 0.15 * gradient.norm()


def test_gates_that_are_wide_open_or_shut(form) -> None:
    x = torch.tensor([[[[1.0, -1.0, 1.0, -1.0]]]])
    features = torch.tensor([[[[200.0, 200.0, 0.0, 0.0]], [[0.0, 0.0, 200.0, 200.0]]]])
    first, last = torch.zeros(2, 2, 3, 3), torch.zeros(1, 2, 3, 3)
    first[0, 0, 1, 1] = first[1, 1, 1, 1] = last[0, 0, 1, 1] = 1
    last[0, 1, 1, 1] = -1
    with torch.no_grad():
        y = gated(x, Condition(features), (first, torch.zeros(2)), (last, torch.zeros(1)))
    torch.testing.assert_close(y, torch.tensor([[[[1.0, -0.2, 0.0, 0.0]]]]), atol=1e-6, rtol=1e-5)
