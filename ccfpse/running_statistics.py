"""Running statistics of batch norms, taken anew with the weights as they are now."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def new_running_statistics(network: nn.Module) -> Iterator[None]:
    """Sets running statistics to mean and variance over all forward passes that the block makes.

    Running averages lag behind weights that still move, and after some hundred steps they can be
    so far off that the network is useless in evaluation mode. The passes run in training mode,
    each normalised by its own batch; all their values count alike, whatever the batches' sizes.
    The network is left in evaluation mode; one that made no pass keeps its statistics.
    """
    moments: dict[nn.BatchNorm2d, tuple[Tensor, Tensor, Tensor]] = {}
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]

    def collect(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        if isinstance(layer, nn.BatchNorm2d):
            moments[layer] = _joined(moments.get(layer), _moments(inputs[0]))

    hooks = [layer.register_forward_pre_hook(collect) for layer in layers]
    network.train()
    try:
        with torch.no_grad():
            yield
    finally:
        for hook in hooks:
            hook.remove()
        network.eval()
    for layer, (count, mean, spread) in moments.items():
        if layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(spread / (count - 1).clamp_min(1))


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Number of values of a channel, their means (C) and their summed squares around them (C)."""
    variance, mean = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
    count = torch.tensor(x.numel() // x.shape[1], dtype=torch.float64, device=x.device)
    return count, mean.double(), variance.double() * count


def _joined(
    before: tuple[Tensor, Tensor, Tensor] | None, new: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Moments of two sets together, around their common mean: the difference of squares loses digits."""
    if before is None:
        return new
    (n_a, mean_a, spread_a), (n_b, mean_b, spread_b) = before, new
    count, shift = n_a + n_b, mean_b - mean_a
    return count, mean_a + shift * (n_b / count), spread_a + spread_b + shift.square() * (n_a * n_b / count)
