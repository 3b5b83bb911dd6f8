import torch
from torch import nn

from ccfpse.running_statistics import new_running_statistics


def test_statistics_are_those_of_all_values_together_whatever_the_batches() -> None:
    torch.manual_seed(0)
    images = 3 + 2 * torch.randn(10, 3, 4, 6)
    layer = nn.BatchNorm2d(3)
    with new_running_statistics(layer):
        for part in images.split([5, 4, 1]):
            layer(part)
    torch.testing.assert_close(layer.running_mean, images.mean((0, 2, 3)))
    torch.testing.assert_close(layer.running_var, images.var((0, 2, 3)))


def test_a_shift_much_larger_than_the_spread_loses_no_digits() -> None:
    torch.manual_seed(0)
    images = 1000 + torch.randn(8, 1, 8, 8)
    layer = nn.BatchNorm2d(1)
    with new_running_statistics(layer):
        for part in images.split(2):
            layer(part)
    torch.testing.assert_close(layer.running_var, images.double().var((0, 2, 3)).float(), rtol=1e-4, atol=0)


def test_evaluation_of_the_batch_they_were_taken_from_equals_training_mode() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4)
    )
    images = torch.randn(64, 3, 12, 12)
    with new_running_statistics(network):
        trained = network(images)
    assert not network.training
    # Normalised by the unbiased variance of 64·10·10 values instead of the biased one.
    torch.testing.assert_close(network(images), trained, rtol=1e-3, atol=1e-3)


def test_weights_and_gradients_are_untouched() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = [p.clone() for p in network.parameters()]
    with new_running_statistics(network):
        network(torch.randn(2, 3, 8, 8))
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    assert all(p.grad is None for p in network.parameters())


def test_a_network_that_made_no_pass_keeps_its_statistics() -> None:
    layer = nn.BatchNorm2d(2)
    with new_running_statistics(layer):
        pass
    assert torch.equal(layer.running_mean, torch.zeros(2))
