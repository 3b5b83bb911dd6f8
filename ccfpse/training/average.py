"""Running average of the generator's weights, which synthesizes better than the last weights."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor

from ccfpse.models import BatchNorm2d, Generator, refresh_spectral_norms


class Average:
    """A generator whose weights are ``average ← decay · average + (1 - decay) · trained``.

    Early on the decay is lower, (1 + steps) / (10 + steps), so that the random start is
    forgotten at once.
    """

    def __init__(self, generator: Generator, decay: float) -> None:
        self.generator = copy.deepcopy(generator).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, trained: Generator, steps: int) -> None:
        """Takes in the weights after `steps` steps, 1 or more; running statistics are averaged likewise."""
        share = 1 - min(self.decay, (1 + steps) / (10 + steps))
        into, taken = _floats(self.generator), _floats(trained)
        torch._foreach_lerp_(into, taken, share)


@torch.no_grad()
def settle(generator: Generator, batches: Iterable[tuple[Tensor, Tensor | None]]) -> None:
    """Gives an averaged generator statistics of its own: they do not follow from averaging those of others.

    Spectral norms become exact (by SVD); batch norms' running statistics become the plain mean
    over the batches of layouts and styles.
    """
    refresh_spectral_norms(generator)
    norms = [module for module in generator.modules() if isinstance(module, BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    generator.train()
    for layout, style in batches:
        generator(layout, style)
    generator.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    refresh_spectral_norms(generator)


def _floats(generator: Generator) -> list[Tensor]:
    state = generator.state_dict(keep_vars=False)
    return [tensor for tensor in state.values() if tensor.is_floating_point()]
