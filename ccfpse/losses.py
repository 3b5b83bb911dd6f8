"""What the networks are trained to minimise, one function each; weights multiply elsewhere.

Every loss is computed in float32 at least, under autocast too.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def hinge_generator(scores: Sequence[Tensor]) -> Tensor:
    """``-mean(score)`` of generated images, averaged over the discriminator's levels."""
    return _average([-_wide(score).mean() for score in scores])


def hinge_discriminator_fake(scores: Sequence[Tensor]) -> Tensor:
    """``mean(relu(1 + score))`` of generated images, averaged over the levels."""
    return _average([F.relu(1 + _wide(score)).mean() for score in scores])


def hinge_discriminator_real(scores: Sequence[Tensor]) -> Tensor:
    """``mean(relu(1 - score))`` of real images, averaged over the levels."""
    return _average([F.relu(1 - _wide(score)).mean() for score in scores])


def feature_matching(fake: Sequence[Sequence[Tensor]], real: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute difference of discriminator features; no gradient to ``real``.

    Added up within a group of features, averaged over the groups.
    """
    groups = zip(fake, real, strict=True)
    return _average(
        [torch.stack([_distance(f, r) for f, r in zip(*group, strict=True)]).sum() for group in groups]
    )


def perceptual(fake: Sequence[Tensor], real: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Weighted sum of mean absolute differences of a loss network's features; no gradient to ``real``.

    Source: Wang et al. 2018, arXiv:1711.11585.
    """
    terms = [weight * _distance(f, r) for weight, f, r in zip(weights, fake, real, strict=True)]
    return torch.stack(terms).sum()


def style_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """``-½ Σ(1 + logvar - mu² - exp(logvar))`` over the style's dimensions, mean over the batch.

    The published code sums over the batch of one process, so that its weight means something
    else on another number of processes; see docs/method.md.

    Source: Kingma & Welling 2014, arXiv:1312.6114, appendix B.
    """
    mu, logvar = _wide(mu), _wide(logvar)
    return (-0.5 * (1 + logvar - mu.square() - logvar.exp()).sum(dim=1)).mean()


def _distance(fake: Tensor, real: Tensor) -> Tensor:
    return F.l1_loss(_wide(fake), _wide(real.detach()))


def _average(terms: list[Tensor]) -> Tensor:
    return torch.stack(terms).mean()


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
