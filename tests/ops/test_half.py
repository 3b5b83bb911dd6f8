"""Products in half precision, on processors that have them, against the same in float32."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.models import ConditionalGenerator, initialise
from ccfpse.native.library import Finish, Library
from ccfpse.ops import Condition, Scaled, filtered, predicted


@pytest.fixture
def half(compiled: Library) -> Library:
    if not compiled.has_half:
        pytest.skip("this processor has no products in half precision (avx512_fp16)")
    return compiled.in_half()


def inputs(n_in: int = 40, C: int = 24, size: tuple[int, int] = (26, 30)) -> tuple[Tensor, ...]:
    """hidden, weight and bias of a layer that predicts kernels, and x."""
    torch.manual_seed(0)
    hidden = torch.randn(2, n_in, *size).relu()
    return hidden, torch.randn(9 * C, n_in, 3, 3) * 0.1, torch.randn(9 * C), torch.randn(2, C, *size)


def relative_error(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


@pytest.mark.parametrize("shape", [(40, 24, (26, 30)), (128, 33, (9, 7)), (1, 1, (1, 1))], ids=str)
def test_results_are_near_and_not_float32s(compiled: Library, half: Library, shape) -> None:
    hidden, weight, bias, x = inputs(*shape)
    gy = torch.randn(x.shape)
    for compute in (
        lambda library: library.conv(hidden, weight, bias),
        lambda library: library.conv(hidden, weight[: x.shape[1]], None, finish=Finish.GATE, other=x),
        lambda library: library.apply(hidden, weight, bias, x),
        lambda library: library.modulate(hidden, weight[: 2 * x.shape[1]], None, x),
        lambda library: library.apply_gradient_x(hidden, weight, bias, gy),
    ):
        assert 0 < relative_error(compute(half), compute(compiled)) < 0.02


@pytest.mark.parametrize("exponent", [-60, -14, 14, 60])
def test_no_magnitude_is_lost(half: Library, exponent: int) -> None:
    """Half precision itself ends at 65504, and has its last digits at 6e-8."""
    hidden, weight, _, _ = inputs()
    expected = half.conv(hidden, weight, None)
    factor = 2.0**exponent
    assert torch.equal(half.conv(hidden * factor, weight, None), expected * factor)
    assert torch.equal(half.conv(hidden, weight * factor, None), expected * factor)


def test_a_loud_place_does_not_drown_a_quiet_one(compiled: Library, half: Library) -> None:
    hidden, weight, _, _ = inputs()
    hidden[:, :, :8] *= 1e9
    quiet = (slice(None), slice(None), slice(16, None))
    expected = compiled.conv(hidden, weight, None)
    assert relative_error(half.conv(hidden, weight, None)[quiet], expected[quiet]) < 0.02


def test_gradients_of_a_convolution_stay_float32(compiled: Library, half: Library) -> None:
    hidden, weight, _, x = inputs()
    gy = torch.randn(2, len(weight), *x.shape[2:])
    assert torch.equal(
        half.conv(gy, weight, None, transposed=True), compiled.conv(gy, weight, None, transposed=True)
    )
    for ours, theirs in zip(half.gradient_w(hidden, x), compiled.gradient_w(hidden, x), strict=True):
        assert torch.equal(ours, theirs)


def test_long_sums_stay_float32(compiled: Library, half: Library) -> None:
    hidden, weight = torch.randn(1, 129, 8, 8), torch.randn(16, 129, 3, 3)
    assert torch.equal(half.conv(hidden, weight, None), compiled.conv(hidden, weight, None))


def test_not_a_number_is_not_hidden(half: Library) -> None:
    hidden, weight, bias, _ = inputs()
    hidden[0, 3, 4, 5] = float("nan")
    assert half.conv(hidden, weight, bias)[0, :, 4, 5].isnan().all()


def test_an_image_is_the_same_in_every_batch_and_with_any_number_of_threads(half: Library) -> None:
    hidden, weight, bias, x = inputs()
    together, before = half.apply(hidden, weight, bias, x), torch.get_num_threads()
    try:
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            for i in range(2):
                assert torch.equal(
                    half.apply(hidden[i : i + 1], weight, bias, x[i : i + 1]), together[i : i + 1]
                )
    finally:
        torch.set_num_threads(before)


def test_gradients_are_near(compiled: Library, half: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    _, last, last_bias, x = inputs()
    leaves = [x, torch.randn(2, 9, *x.shape[2:]), torch.randn(40, 9, 3, 3), torch.randn(40), last, last_bias]
    leaves = [t.requires_grad_() for t in leaves]
    direction, found = torch.randn(x.shape), []
    for library in (compiled, half):
        monkeypatch.setattr(predicted, "_backend", lambda inputs, is_half, library=library: library)
        y = filtered(Scaled(leaves[0]), Condition(leaves[1]), (leaves[2], leaves[3]), (leaves[4], leaves[5]))
        found.append(torch.autograd.grad(y, leaves, direction))
    for exact, near in zip(*found, strict=True):
        # A hidden feature near zero may be on the other side of its kink.
        assert relative_error(near, exact) < 0.1


@pytest.mark.usefixtures("half")
def test_a_generator_under_bfloat16_uses_it(compiled: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccfpse.ops.choice.library", lambda: compiled)
    generator = ConditionalGenerator(5, width=4, predictor_width=16).eval()
    initialise(generator, torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    layout = F.one_hot(torch.randint(4, (1, 64, 64)), 5).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        exact = generator(layout)
        with torch.autocast("cpu", torch.bfloat16):
            found = generator(layout)
    assert found.dtype == torch.float32
    assert 0 < relative_error(found, exact) < 0.02
