"""The fast forms of the predicted depthwise convolution against the reference, gradients included."""

import pytest
import torch
from torch import Tensor

from ccfpse.native import library as native
from ccfpse.native.library import Library
from ccfpse.ops import plain, predicted, predicted_depthwise_conv, predicted_depthwise_conv_reference
from ccfpse.ops.plain import Plain

SHAPES = pytest.mark.parametrize(
    "shape",  # B, C, hidden channels, H, W
    [
        (1, 16, 32, 8, 12),
        (2, 3, 5, 7, 9),
        (3, 33, 17, 13, 5),
        (1, 64, 128, 4, 4),
        (1, 1, 1, 1, 1),
        (2, 40, 24, 50, 61),
    ],
    ids=str,
)


def inputs(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list[Tensor]:
    torch.manual_seed(0)
    B, C, hidden, H, W = shape
    return [
        torch.randn(B, C, H, W, dtype=dtype),
        torch.randn(B, hidden, H, W, dtype=dtype).relu(),
        torch.randn(9 * C, hidden, 3, 3, dtype=dtype) / (9 * hidden) ** 0.5,
        torch.randn(9 * C, dtype=dtype),
    ]


def with_gradients(function, tensors: list[Tensor], direction: Tensor) -> list[Tensor]:
    leaves = [tensor.detach().requires_grad_() for tensor in tensors]
    y = function(*leaves)
    return [y.detach(), *torch.autograd.grad(y, leaves, direction.to(y.dtype))]


def assert_equal(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    """Within `tolerance` of the largest value: sums of many terms have no smaller error."""
    for ours, theirs in zip(found, expected, strict=True):
        error = (ours.double() - theirs.double()).abs().max()
        assert error <= tolerance * theirs.abs().max()


@pytest.fixture(params=["compiled", "strips", "kept"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which form the operation takes."""
    backend = request.getfixturevalue("compiled") if request.param == "compiled" else Plain()
    monkeypatch.setattr(predicted, "_backend", lambda inputs, is_half=False: backend)
    monkeypatch.setattr(plain, "_STRIP_BYTES", {"cpu": 1})  # a row at a time
    if request.param == "strips":
        monkeypatch.setattr(plain, "_KEPT_BYTES", 0)
    return request.param


@SHAPES
def test_equals_the_reference_with_its_gradients(form: str, shape: tuple[int, ...]) -> None:
    tensors = inputs(shape)
    direction = torch.randn(tensors[0].shape)
    exact = [tensor.double() for tensor in tensors]
    expected = with_gradients(predicted_depthwise_conv_reference, exact, direction)
    assert_equal(with_gradients(predicted_depthwise_conv, tensors, direction), expected, 3e-5)


@SHAPES
def test_small_and_large_maps_take_their_own_ways(
    compiled: Library, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    monkeypatch.setattr(predicted, "_backend", lambda inputs, is_half=False: compiled)
    tensors = inputs(shape)
    direction = torch.randn(tensors[0].shape)
    expected = with_gradients(predicted_depthwise_conv_reference, [t.double() for t in tensors], direction)
    for tiles in (0, 10**9):
        monkeypatch.setattr(native, "_FEW_TILES", tiles)
        assert_equal(with_gradients(predicted_depthwise_conv, tensors, direction), expected, 3e-5)


@pytest.mark.parametrize("rows", [1, 2, 10**9])
def test_strips_are_exact_in_float64(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(plain, "strip_rows", lambda x, hidden, size: rows)
    monkeypatch.setattr(plain, "_KEPT_BYTES", 0)
    tensors = inputs((2, 3, 4, 5, 7), torch.float64)
    direction = torch.randn(tensors[0].shape, dtype=torch.float64)
    expected = with_gradients(predicted_depthwise_conv_reference, tensors, direction)
    assert_equal(with_gradients(predicted_depthwise_conv, tensors, direction), expected, 1e-12)


def test_strips_have_the_gradient_of_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "strip_rows", lambda x, hidden, size: 2)
    monkeypatch.setattr(plain, "_KEPT_BYTES", 0)
    tensors = [t.requires_grad_() for t in inputs((1, 2, 3, 3, 4), torch.float64)]
    assert torch.autograd.gradcheck(predicted_depthwise_conv, tensors)


@pytest.mark.parametrize("memory", ["channels last", "transposed", "expanded"])
def test_memory_layout_changes_nothing(form: str, memory: str) -> None:
    x, hidden, weight, bias = inputs((2, 6, 5, 7, 9))
    direction = torch.randn(x.shape)
    if memory == "expanded":
        x = x[:1].expand(2, -1, -1, -1)
    expected = with_gradients(predicted_depthwise_conv, [x.contiguous(), hidden, weight, bias], direction)
    if memory == "channels last":
        x, hidden, weight, direction = (
            t.to(memory_format=torch.channels_last) for t in (x, hidden, weight, direction)
        )
    elif memory == "transposed":
        x, hidden, weight, direction = (t.mT.contiguous().mT for t in (x, hidden, weight, direction))
    assert_equal(
        with_gradients(predicted_depthwise_conv, [x, hidden, weight, bias], direction), expected, 1e-6
    )


def test_only_the_gradients_asked_for_are_computed(form: str) -> None:
    x, hidden, weight, bias = inputs((1, 4, 4, 6, 6))
    for chosen in range(4):
        tensors = [x, hidden, weight, bias]
        tensors[chosen] = tensors[chosen].requires_grad_()
        predicted_depthwise_conv(*tensors).sum().backward()
        assert [t.grad is not None for t in tensors] == [i == chosen for i in range(4)]
        tensors[chosen].grad = None
        tensors[chosen].requires_grad_(False)


def test_without_bias(form: str) -> None:
    x, hidden, weight, _ = inputs((1, 4, 4, 6, 6))
    expected = predicted_depthwise_conv_reference(x, hidden, weight, None)
    torch.testing.assert_close(
        predicted_depthwise_conv(x, hidden, weight, None), expected, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("shape", [(0, 3, 4, 4, 4), (2, 3, 4, 4, 0)], ids=str)
def test_maps_without_a_position(form: str, shape: tuple[int, ...]) -> None:
    tensors = [t.requires_grad_() for t in inputs(shape)]
    y = predicted_depthwise_conv(*tensors)
    y.sum().backward()
    assert y.shape == tensors[0].shape
    assert [t.grad.shape for t in tensors] == [t.shape for t in tensors]
    assert not tensors[2].grad.any()


def test_bfloat16_is_near(form: str) -> None:
    tensors = inputs((1, 16, 32, 12, 12))
    direction = torch.randn(tensors[0].shape)
    expected = with_gradients(predicted_depthwise_conv_reference, tensors, direction)
    narrow = [t.bfloat16() for t in tensors[:2]] + tensors[2:]
    found = with_gradients(predicted_depthwise_conv, narrow, direction)
    assert [t.dtype for t in found[1:]] == [t.dtype for t in narrow]
    assert_equal(found, expected, 0.03)


def test_an_image_is_the_same_in_every_batch(compiled: Library) -> None:
    x, hidden, weight, bias = inputs((3, 20, 16, 9, 30))
    together = compiled.apply(hidden, weight, bias, x)
    for i in range(3):
        assert torch.equal(together[i : i + 1], compiled.apply(hidden[i : i + 1], weight, bias, x[i : i + 1]))


def test_same_input_same_bytes(compiled: Library) -> None:
    x, hidden, weight, _ = inputs((2, 40, 24, 50, 61))
    gy = torch.randn(x.shape)
    for compute in (
        lambda: compiled.gradient_w(hidden, gy, x),
        lambda: compiled.apply_gradient_x(hidden, weight, None, gy),
        lambda: compiled.apply_gradient_h(x, gy, weight),
    ):
        first, second = compute(), compute()
        pairs = zip(first, second, strict=True) if isinstance(first, tuple) else [(first, second)]
        assert all(torch.equal(a, b) for a, b in pairs)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    x, hidden, weight, bias = inputs((1, 4, 5, 6, 6))
    with pytest.raises(ValueError, match="do not fit x"):
        predicted_depthwise_conv(x, hidden[:, :4], weight, bias)
    with pytest.raises(ValueError, match="9 numbers are no kernels of an odd side for 4 channels"):
        predicted_depthwise_conv(x, hidden, weight[:9], bias)


@pytest.mark.parametrize("shape", [(2, 40, 24, 50, 61), (1, 33, 16, 97, 110)], ids=str)
def test_the_number_of_threads_changes_no_byte(compiled: Library, shape: tuple[int, ...]) -> None:
    x, hidden, weight, bias = inputs(shape)
    gy, before = torch.randn(x.shape), torch.get_num_threads()
    found = []
    try:
        for n_threads in (1, 4):
            torch.set_num_threads(n_threads)
            y = compiled.apply(hidden, weight, bias, x)
            gradients = compiled.apply_gradients(hidden, weight, bias, x, gy, (True, True, True))
            of_layer = compiled.gradient_w(hidden, hidden)
            found.append((y, *gradients, compiled.conv(hidden, weight, bias), *of_layer))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, four) for one, four in zip(*found, strict=True))
    # And they are right on maps of this size.
    expected = with_gradients(predicted_depthwise_conv_reference, [x, hidden, weight, bias], gy)
    assert_equal(list(found[0][:5]), expected, 1e-4)


def test_defaults_of_the_process_change_nothing(compiled: Library) -> None:
    x, hidden, weight, bias = inputs((1, 4, 4, 6, 6))
    gy = torch.randn(x.shape)
    expected = compiled.gradient_w(hidden, gy, x)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            assert compiled.apply(hidden, weight, bias, x).isfinite().all()
            found = compiled.gradient_w(hidden, gy, x)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_many_strips_lose_no_digits_in_bfloat16() -> None:
    x, hidden = torch.ones(1, 1, 600, 4), torch.ones(1, 1, 600, 4)
    weight, bias = torch.zeros(9, 1, 3, 3), torch.zeros(9)
    gy = torch.ones_like(x)
    expected = Plain().apply_gradients(hidden, weight, bias, x, gy, (False, False, True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "strip_rows", lambda x, h, size: 1)
        narrow = [t.bfloat16() for t in (hidden, weight, bias, x, gy)]
        found = Plain().apply_gradients(*narrow, (False, False, True))
    assert_equal(list(found[2:]), list(expected[2:]), 0.01)
