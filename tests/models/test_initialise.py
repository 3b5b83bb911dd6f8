import pytest
import torch
from torch import nn

from ccfpse.models import ConditionalGenerator, PyramidDiscriminator, SpectralNormConv2d, initialise


def test_one_seed_gives_the_same_weights() -> None:
    networks = [PyramidDiscriminator(5, width=4) for _ in range(2)]
    for network in networks:
        initialise(network, torch.Generator().manual_seed(3))
    a, b = (network.state_dict() for network in networks)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_scales_are_those_of_the_published_training() -> None:
    layers = nn.Sequential(nn.Conv2d(40, 50, 3), nn.Linear(300, 200), nn.BatchNorm2d(4000))
    initialise(layers, torch.Generator().manual_seed(0))
    conv, linear, norm = layers
    assert conv.weight.std().item() == pytest.approx(0.02 * (2 / (9 * 40 + 9 * 50)) ** 0.5, rel=0.03)
    assert linear.weight.std().item() == pytest.approx(0.02 * (2 / 500) ** 0.5, rel=0.03)
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.002)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not any(layer.bias.any() for layer in layers)


def test_singular_vectors_have_length_one() -> None:
    conv = SpectralNormConv2d(3, 5, 3)
    initialise(conv, torch.Generator().manual_seed(0))
    torch.testing.assert_close(torch.stack([conv.u.norm(), conv.v.norm()]), torch.ones(2))


def test_no_weight_of_the_generator_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    generator = ConditionalGenerator(4, width=2, predictor_width=3, n_doublings=5)
    before = {name: p.clone() for name, p in generator.named_parameters()}
    initialise(generator, torch.Generator().manual_seed(0))
    kept = [n for n, p in generator.named_parameters() if torch.equal(p, before[n]) and "norm" not in n]
    assert kept == []
