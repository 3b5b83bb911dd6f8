import torch

from ccfpse.models import ConditionalGenerator, Generator, SpectralNormConv2d, initialise
from ccfpse.training.average import Average, settle


def _generator() -> Generator:
    generator = ConditionalGenerator(4, width=2, predictor_width=4, n_doublings=5)
    initialise(generator, torch.Generator().manual_seed(0))
    return generator


def _drift(generator: Generator, seed: int) -> None:
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)


def _layouts(n: int) -> list[tuple[torch.Tensor, None]]:
    torch.manual_seed(1)
    return [(torch.rand(2, 4, 32, 64).round(), None) for _ in range(n)]


def test_average_follows_its_formula() -> None:
    trained = _generator()
    average = Average(trained, decay=0.9)
    start = average.generator.to_rgb.weight.clone()
    _drift(trained, 3)
    average.update(trained, steps=10_000)
    expected = 0.9 * start + 0.1 * trained.to_rgb.weight
    torch.testing.assert_close(average.generator.to_rgb.weight, expected.detach())


def test_a_random_start_is_forgotten_at_once() -> None:
    trained = _generator()
    average = Average(trained, decay=0.999)
    _drift(trained, 3)
    start = average.generator.to_rgb.weight.clone()
    average.update(trained, steps=0)
    moved = (average.generator.to_rgb.weight - start).norm() / (trained.to_rgb.weight - start).norm()
    assert moved > 0.89


def test_settled_spectral_norms_are_the_largest_singular_values() -> None:
    generator = _generator()
    _drift(generator, 4)
    settle(generator, _layouts(3))
    for module in generator.modules():
        if isinstance(module, SpectralNormConv2d):
            largest = torch.linalg.matrix_norm(module.weight.double().flatten(1), ord=2)
            sigma = module.u.double() @ module.weight.double().flatten(1) @ module.v.double()
            torch.testing.assert_close(sigma, largest, rtol=1e-5, atol=0)


def test_settled_statistics_are_means_over_the_batches() -> None:
    generator = _generator()
    batches = _layouts(4)
    settle(generator, batches)
    first = generator.pyramid.encoder[0]
    generator.eval()
    with torch.no_grad():
        means = [first.conv(layout).mean(dim=(0, 2, 3)) for layout, _ in batches]
    torch.testing.assert_close(first.norm.running_mean, torch.stack(means).mean(0), rtol=1e-4, atol=1e-6)
    assert not generator.training
