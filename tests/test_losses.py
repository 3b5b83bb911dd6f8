import pytest
import torch

from ccfpse import losses


def levels(*numbers: list[float]) -> list[torch.Tensor]:
    return [torch.tensor(n, requires_grad=True) for n in numbers]


def test_generator_hinge_of_three_hand_numbers() -> None:
    assert losses.hinge_generator(levels([1.0, 3.0], [-1.0], [0.5])).item() == pytest.approx(-1.5 / 3)


def test_discriminator_hinge_stops_beyond_the_margin() -> None:
    scores = levels([-2.0, 0.0], [1.0])
    assert losses.hinge_discriminator_fake(scores).item() == pytest.approx((0.5 + 2.0) / 2)
    assert losses.hinge_discriminator_real(scores).item() == pytest.approx((2.0 + 0.0) / 2)


def test_feature_matching_is_the_mean_difference_and_leaves_the_real_alone() -> None:
    fake, real = levels([1.0, 2.0], [0.0]), levels([0.0, 0.0], [4.0])
    loss = losses.feature_matching([[f] for f in fake], [[r] for r in real])
    loss.backward()
    assert loss.item() == pytest.approx((1.5 + 4) / 2)
    assert all(r.grad is None for r in real)
    assert all(f.grad is not None for f in fake)


def test_feature_matching_adds_up_within_a_group() -> None:
    fake, real = levels([1.0], [2.0], [3.0]), levels([0.0], [0.0], [0.0])
    groups = [[fake[0], fake[1]], [fake[2]]], [[real[0], real[1]], [real[2]]]
    assert losses.feature_matching(*groups).item() == pytest.approx((1 + 2 + 3) / 2)


def test_perceptual_weighs_its_layers() -> None:
    fake, real = levels([1.0], [2.0]), levels([0.0], [0.0])
    assert losses.perceptual(fake, real, [0.5, 0.25]).item() == pytest.approx(1.0)


def test_other_numbers_of_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        losses.perceptual(levels([1.0]), levels([0.0], [1.0]), [1.0])


def test_style_kl_is_zero_for_the_prior_and_a_mean_over_the_batch() -> None:
    zero = torch.zeros(3, 4)
    assert losses.style_kl(zero, zero).item() == 0
    mu = torch.zeros(2, 4)
    mu[0, 0] = 2.0  # KL of N(2, 1) from N(0, 1) is 2
    assert losses.style_kl(mu, torch.zeros(2, 4)).item() == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_losses_are_float32_at_least(dtype) -> None:
    x = [torch.zeros(2, 2, dtype=dtype)]
    expected = torch.promote_types(dtype, torch.float32)
    assert losses.hinge_generator(x).dtype == expected
    assert losses.feature_matching([x], [x]).dtype == expected
    assert losses.style_kl(x[0], x[0]).dtype == expected
