import pytest
import torch

from ccfpse import losses
from ccfpse.models import (
    ConditionalGenerator,
    PyramidDiscriminator,
    SmallPerceptualNetwork,
    StyleEncoder,
    initialise,
)
from ccfpse.training.step import Networks, discriminator_losses, fresh_fake, generator_losses

SIZE = (32, 64)


def _networks(style: bool = False) -> Networks:
    generator = ConditionalGenerator(
        5,
        width=2,
        predictor_width=4,
        n_doublings=5,
        size=SIZE if style else None,
        style_dim=256 if style else None,
    )
    networks = Networks(
        generator,
        PyramidDiscriminator(5, width=4),
        StyleEncoder(2) if style else None,
        SmallPerceptualNetwork(4),
    )
    random = torch.Generator().manual_seed(0)
    for network in (*networks.creators, networks.discriminator, networks.loss_network):
        initialise(network, random)
    networks.loss_network.requires_grad_(False)
    return networks


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(2)
    labels = torch.randint(0, 5, (2, *SIZE))
    return torch.nn.functional.one_hot(labels, 5).permute(0, 3, 1, 2).float(), torch.rand(2, 3, *SIZE) * 2 - 1


def test_generator_turn_leaves_no_gradient_in_the_discriminator(batch) -> None:
    networks = _networks()
    torch.stack(list(generator_losses(networks, *batch, None)[0].values())).sum().backward()
    assert all(p.grad is None and p.requires_grad for p in networks.discriminator.parameters())
    assert all(p.grad is not None for p in networks.generator.parameters())


def test_discriminator_turn_leaves_no_gradient_in_the_generator(batch) -> None:
    networks = _networks()
    fake = fresh_fake(networks, *batch, None)
    torch.stack(list(discriminator_losses(networks.discriminator, *batch, fake).values())).sum().backward()
    assert all(p.grad is None for p in networks.generator.parameters())
    assert all(p.grad is not None for p in networks.discriminator.parameters())


def test_savings_change_no_gradient(batch) -> None:
    layout, real = batch
    saving, plain = _networks(), _networks()
    sum(generator_losses(saving, layout, real, None)[0].values()).backward()

    fake = plain.generator(layout)
    scores, features = plain.discriminator(torch.cat([fake, real]), layout)
    total = losses.hinge_generator([s.chunk(2)[0] for s in scores])
    total = total + losses.feature_matching(
        [[f.chunk(2)[0] for f in group] for group in features],
        [[f.chunk(2)[1].detach() for f in group] for group in features],
    )
    network = plain.loss_network
    total = total + losses.perceptual(network(fake), network(real), network.weights)
    total.backward()

    for ours, theirs in zip(saving.generator.parameters(), plain.generator.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-6)


def test_one_power_iteration_in_a_generator_turn(batch) -> None:
    networks = _networks()
    conv = networks.discriminator.bottom_up[2].conv
    u = conv.u.clone()
    matrix = conv.weight.detach().flatten(1)
    generator_losses(networks, *batch, None)
    v = torch.nn.functional.normalize(u @ matrix, dim=0)
    torch.testing.assert_close(conv.u, torch.nn.functional.normalize(matrix @ v, dim=0))


def test_style_adds_its_divergence_and_reaches_the_encoder(batch) -> None:
    networks = _networks(style=True)
    named, _ = generator_losses(networks, *batch, torch.randn(2, 256))
    assert set(named) == {"style", "hinge", "features", "perceptual"}
    torch.stack(list(named.values())).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in networks.encoder.parameters())
