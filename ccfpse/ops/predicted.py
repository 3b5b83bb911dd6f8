"""What the layout decides position by position: predicted kernels, gates and modulations, in one go.

Published networks write all predicted numbers to memory, for kernels 9·C a position, unfold the input
beside them, multiply, sum, and keep everything for the backward pass. Here the convolution that predicts
and the use of what it predicts are one differentiable operation: the numbers of a whole map never exist,
and the backward pass predicts them again, which costs a convolution and saves the memory of the map.

Each runs on the compiled kernels, or strip by strip in PyTorch (`ccfpse.ops.plain`). There, small maps
exist after all, and are kept: that is faster (docs/speed.md). In a graph it is tap by tap
(`ccfpse.ops.traced`).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ccfpse.native.library import Finish, Library
from ccfpse.ops.choice import compiled_for, is_traced
from ccfpse.ops.condition import Condition, OneHot
from ccfpse.ops.depthwise import conditional_depthwise_conv_reference
from ccfpse.ops.plain import Plain, is_kept, kernel_side, to_type
from ccfpse.ops.scaled import Again, Scaled
from ccfpse.ops.traced import Traced
from ccfpse.ops.uses import Backend, Filter, Gate, Gradients, Modulate, Needs, Prediction, Use

Layer = tuple[Tensor, Tensor]
"""Weight (O, I, 3, 3) and bias (O)."""


def predicted_depthwise_conv_reference(
    x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None
) -> Tensor:
    """Filters x with the kernels that a 3x3 convolution predicts; the specification.

    Args:
        x: features, (B, C, H, W).
        hidden: what the kernels are predicted from, (B, I, H, W).
        weight: of the predicting layer, (C·S, I, 3, 3), a channel's S = size² taps together, row by row.
        bias: (C·S), or None.

    Returns:
        Filtered features, (B, C, H, W).

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1.
    """
    kernels = F.conv2d(hidden, weight, bias, padding=1)
    return conditional_depthwise_conv_reference(x, kernels, kernel_side(len(weight), x.shape[1]))


def predicted_depthwise_conv(x: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Filters x with the kernels that a 3x3 convolution predicts: `predicted_depthwise_conv_reference`, fast.

    Raises:
        ValueError: the shapes do not belong together.
    """
    B, C, H, W = x.shape
    need = (B, weight.shape[1], H, W)
    n_taps = kernel_side(len(weight), C) ** 2
    if hidden.shape != need or weight.shape != (C * n_taps, need[1], 3, 3):
        raise ValueError(
            f"hidden {tuple(hidden.shape)} and weight {tuple(weight.shape)} do not fit x {tuple(x.shape)}: "
            f"they must be {need} and {(C * n_taps, need[1], 3, 3)}"
        )
    if not x.numel():  # nothing to convolve, but gradients of the right shapes
        parts = [t.sum() for t in (hidden, weight, bias) if t is not None]
        return x + 0 * torch.stack(parts).sum()
    backend = _backend((x, hidden))
    if isinstance(backend, Plain) and torch.is_grad_enabled() and is_kept(x, len(weight)):
        kernels = F.conv2d(hidden, weight.to(hidden.dtype), to_type(bias, hidden.dtype), padding=1)
        return Filter.use(x, kernels)
    y: Tensor = _Used.apply(x, hidden, weight, bias, Filter, backend)
    return y


def filtered(x: Scaled, condition: Condition, first: Layer, last: Layer) -> Tensor:
    """X filtered with the kernels that two layers, ReLU between, predict from a condition.

    Args:
        x: (B, C, H, W), or half that size.
        condition: (B, K + F, H, W).
        first: to I channels.
        last: from these to C·S, a channel's S = size² taps together, row by row.

    Returns:
        (B, C, H, W).
    """
    return _predicted(Filter, x, condition, first, last)


def gated(x: Tensor, condition: Condition, first: Layer, last: Layer) -> Tensor:
    """``lrelu(x · sigmoid(predicted), 0.2)``, (B, C, H, W) as x; `last` leads to C channels."""
    return _predicted(Gate, Scaled(x), condition, first, last)


def modulated(x: Scaled, condition: Condition, first: Layer, gamma: Layer, beta: Layer) -> Tensor:
    """``x · (1 + γ) + β``, (B, C, H, W); γ and β by two layers each, of which they share the first.

    x may have half of the condition's size.
    """
    # γ and β of a channel side by side: one convolution for both.
    weight, bias = (torch.stack(both, dim=1).flatten(0, 1) for both in zip(gamma, beta, strict=True))
    return _predicted(Modulate, x, condition, first, (weight, bias))


def _predicted(use: type[Use], x: Scaled, condition: Condition, first: Layer, last: Layer) -> Tensor:
    backend = _backend((x.map, condition.features), is_half=condition.is_half)
    if not torch.is_grad_enabled():
        hidden = _hidden(backend, condition.features, condition.one_hot, *first)
        return use.forward(backend, x, Prediction(hidden, *last))
    whole = x.at(condition.size)
    if isinstance(backend, Plain) and is_kept(whole, len(last[0])):
        hidden = F.relu(F.conv2d(condition.features, *first, padding=1))
        return use.use(whole, F.conv2d(hidden, *last, padding=1))
    again = x.again if whole is x.map else None
    y: Tensor = _Predicted.apply(
        whole, condition.features, *first, *last, condition.one_hot, again, use, backend
    )
    return y


def _backend(inputs: tuple[Tensor, ...], *, is_half: bool = False) -> Backend:
    """Of x and what is predicted from; features may have no channels beside a layout that is looked up."""
    found = [compiled_for(x) for x in inputs] if inputs[0].numel() else [None]
    library = None if None in found else found[0]
    if library is None:
        return Traced() if is_traced() and not torch.is_grad_enabled() else Plain()
    return library.in_half() if is_half else library


def _hidden(
    backend: Backend, features: Tensor, one_hot: OneHot | None, weight: Tensor, bias: Tensor
) -> Tensor:
    """ReLU of the first layer, (B, I, H, W)."""
    if one_hot is None:
        return backend.conv(features, weight, bias, finish=Finish.RELU)
    if not isinstance(backend, Library):
        raise ValueError("layouts given as codes are looked up by the compiled kernels only")
    of_layout, of_features = weight[:, : one_hot.n_channels], weight[:, one_hot.n_channels :]
    table = one_hot.table(of_layout)
    return backend.conv(features, of_features, bias, finish=Finish.RELU, codes=one_hot.codes, table=table)


class _Used(torch.autograd.Function):
    """A `Use` of hidden features that are given."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        use: type[Use],
        backend: Backend,
    ) -> Tensor:
        ctx.save_for_backward(x, hidden, weight, bias)
        ctx.use, ctx.backend = use, backend
        return use.forward(backend, Scaled(x), Prediction(hidden, weight, bias))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> Gradients:
        x, hidden, weight, bias = ctx.saved_tensors
        needs_x, needs_hidden, *needs_layer = ctx.needs_input_grad[:4]
        needs = Needs(needs_x, needs_hidden, any(needs_layer))
        found = ctx.use.backward(ctx.backend, x, Prediction(hidden, weight, bias), gy, needs)
        return *_as(ctx.saved_tensors, found, ctx.needs_input_grad), None, None


class _Predicted(torch.autograd.Function):
    """A `Use` of what two layers predict; the features between them are computed again, not kept."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        features: Tensor,
        first_weight: Tensor,
        first_bias: Tensor,
        weight: Tensor,
        bias: Tensor,
        one_hot: OneHot | None,
        again: Again | None,
        use: type[Use],
        backend: Backend,
    ) -> Tensor:
        ways_to_x = (x,) if again is None else again.needs
        ctx.save_for_backward(features, first_weight, first_bias, weight, bias, *ways_to_x)
        ctx.compute_x = None if again is None else again.compute
        ctx.one_hot, ctx.use, ctx.backend = one_hot, use, backend
        ctx.precision = _precision(x.device.type)
        hidden = _hidden(backend, features, one_hot, first_weight, first_bias)
        return use.forward(backend, Scaled(x), Prediction(hidden, weight, bias))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> Gradients:
        features, first_weight, first_bias, weight, bias, *ways_to_x = ctx.saved_tensors
        needs_x, needs_features, *needs_first = ctx.needs_input_grad[:4]
        needs_last, one_hot, backend = ctx.needs_input_grad[4:6], ctx.one_hot, ctx.backend
        with torch.autocast(**ctx.precision):
            x = ways_to_x[0] if ctx.compute_x is None else ctx.compute_x(*ways_to_x)
            hidden = _hidden(backend, features, one_hot, first_weight, first_bias)
            needs = Needs(needs_x, needs_features or any(needs_first), any(needs_last))
            prediction = Prediction(hidden, weight, bias)
            gx, g_hidden, *g_last = ctx.use.backward(backend, x, prediction, gy, needs)
            g_features, g_first = None, (None, None)
            if g_hidden is not None:
                g_hidden = torch.ops.aten.threshold_backward(g_hidden.to(hidden.dtype), hidden, 0)
                of_features = first_weight if one_hot is None else first_weight[:, one_hot.n_channels :]
                if needs_features:
                    g_features = backend.conv(g_hidden, of_features, None, transposed=True)
                if any(needs_first):
                    g_weight, g_bias = backend.gradient_w(features, g_hidden)
                    if one_hot is not None:
                        g_table = backend.gradient_table(one_hot.codes, g_hidden, one_hot.n_codes)
                        g_weight = torch.cat([one_hot.weight_gradient(g_table), g_weight], dim=1)
                    g_first = (g_weight, g_bias)
        inputs = (x, features, first_weight, first_bias, weight, bias)
        found = _as(inputs, (gx, g_features, *g_first, *g_last), ctx.needs_input_grad)
        return *found, None, None, None, None


def _precision(device: str) -> dict[str, Any]:
    """The autocast that is on, so that the backward pass computes again what the forward pass did."""
    return {
        "device_type": device,
        "enabled": torch.is_autocast_enabled(device),
        "dtype": torch.get_autocast_dtype(device),
    }


def _as(inputs: Gradients, gradients: Gradients, needs: tuple[bool, ...]) -> Gradients:
    """Gradients that are needed, in the types of their inputs."""
    return tuple(
        g.to(x.dtype) if need and g is not None and x is not None else None
        for x, g, need in zip(inputs, gradients, needs, strict=False)
    )
