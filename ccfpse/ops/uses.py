"""What predicted numbers do to a feature map: filter, gate or modulate it, with gradients.

The numbers are those that a 3x3 convolution predicts from hidden features; a backend (compiled kernels, or
PyTorch strip by strip) makes and uses them without writing a map of them where it can.
"""

from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.native.library import Finish, Library
from ccfpse.ops.depthwise import conditional_depthwise_conv
from ccfpse.ops.plain import Plain, kernel_side
from ccfpse.ops.scaled import Scaled

Backend = Library | Plain
Gradients = tuple[Tensor | None, ...]


class Prediction(NamedTuple):
    """The numbers ``conv3x3(hidden)``, (B, N, H, W), not computed yet."""

    hidden: Tensor
    """(B, I, H, W)."""
    weight: Tensor
    """(N, I, 3, 3)."""
    bias: Tensor | None
    """(N)."""


class Needs(NamedTuple):
    """Which gradients are wanted."""

    x: bool
    hidden: bool
    layer: bool
    """For weight and bias."""


class Use(Protocol):
    """What predicted numbers do to x."""

    @staticmethod
    def use(x: Tensor, predicted: Tensor) -> Tensor:
        """X (B, C, H, W) and a map of numbers -> (B, C, H, W)."""

    @staticmethod
    def forward(backend: Backend, x: Scaled, prediction: Prediction) -> Tensor:
        """(B, C, H, W)."""

    @staticmethod
    def backward(backend: Backend, x: Tensor, prediction: Prediction, gy: Tensor, needs: Needs) -> Gradients:
        """Gradients for x, hidden, weight and bias."""


class Filter(Use):
    """As the kernels of a depthwise convolution."""

    @staticmethod
    def use(x: Tensor, predicted: Tensor) -> Tensor:
        """Depthwise convolution."""
        return conditional_depthwise_conv(x, predicted, kernel_side(predicted.shape[1], x.shape[1]))

    @staticmethod
    def forward(backend: Backend, x: Scaled, prediction: Prediction) -> Tensor:
        """As in `Use`."""
        return _of_size(backend, x.map, prediction).apply(*prediction, x.map, x.scale, x.shift)

    @staticmethod
    def backward(backend: Backend, x: Tensor, prediction: Prediction, gy: Tensor, needs: Needs) -> Gradients:
        """As in `Use`."""
        return _of_size(backend, x, prediction).apply_gradients(*prediction, x, gy, needs)


def _of_size(backend: Backend, x: Tensor, prediction: Prediction) -> Backend:
    """The compiled kernels apply kernels of 3x3 only."""
    is_served = isinstance(backend, Plain) or kernel_side(len(prediction.weight), x.shape[1]) == 3
    return backend if is_served else Plain()


class Gate(Use):
    """As the logits of its gates, a leaky ReLU behind them."""

    @staticmethod
    def use(x: Tensor, predicted: Tensor) -> Tensor:
        """``lrelu(x · sigmoid(predicted), 0.2)``."""
        return F.leaky_relu(x * predicted.sigmoid(), 0.2)

    @staticmethod
    def forward(backend: Backend, x: Scaled, prediction: Prediction) -> Tensor:
        """As in `Use`."""
        return backend.conv(*prediction, finish=Finish.GATE, other=x.map)

    @staticmethod
    def backward(backend: Backend, x: Tensor, prediction: Prediction, gy: Tensor, needs: Needs) -> Gradients:
        """As in `Use`."""
        gates = backend.conv(*prediction).sigmoid_()
        # A gate is positive, so that x alone decides on which side of the kink x · gate is.
        g_product = torch.ops.aten.leaky_relu_backward(gy, x.to(gy.dtype), 0.2, False)
        g_logits = torch.ops.aten.sigmoid_backward(g_product * x, gates)
        return g_product.mul_(gates), *_of_layer(backend, prediction, g_logits, needs)


class Modulate(Use):
    """As γ and β of ``x · (1 + γ) + β``, side by side."""

    @staticmethod
    def use(x: Tensor, predicted: Tensor) -> Tensor:
        """``x · (1 + predicted[2c]) + predicted[2c + 1]``."""
        return x * (1 + predicted[:, ::2]) + predicted[:, 1::2]

    @staticmethod
    def forward(backend: Backend, x: Scaled, prediction: Prediction) -> Tensor:
        """As in `Use`."""
        return backend.modulate(*prediction, x.map, x.scale, x.shift)

    @staticmethod
    def backward(backend: Backend, x: Tensor, prediction: Prediction, gy: Tensor, needs: Needs) -> Gradients:
        """As in `Use`."""
        hidden, weight, bias = prediction
        gamma = backend.conv(hidden, weight[::2], None if bias is None else bias[::2])
        gx = torch.addcmul(gy, gy, gamma)
        del gamma
        # One after the other: a map of both gradients would be the largest of a training step.
        gh_of_gamma, *layer_of_gamma = _of_layer(
            backend, prediction._replace(weight=weight[::2]), gy * x, needs
        )
        gh_of_beta, *layer_of_beta = _of_layer(backend, prediction._replace(weight=weight[1::2]), gy, needs)
        gh = None if gh_of_gamma is None or gh_of_beta is None else gh_of_gamma.add_(gh_of_beta)
        pairs = zip(layer_of_gamma, layer_of_beta, strict=True)
        return gx, gh, *(_side_by_side(gamma, beta) for gamma, beta in pairs)


def _of_layer(backend: Backend, prediction: Prediction, gy: Tensor, needs: Needs) -> Gradients:
    """Gradients for hidden, weight and bias from that of the numbers."""
    gh = backend.conv(gy, prediction.weight, None, transposed=True) if needs.hidden else None
    return gh, *(backend.gradient_w(prediction.hidden, gy) if needs.layer else (None, None))


def _side_by_side(gamma: Tensor | None, beta: Tensor | None) -> Tensor | None:
    return None if gamma is None or beta is None else torch.stack([gamma, beta], dim=1).flatten(0, 1)
