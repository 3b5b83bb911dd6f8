"""PyTorch's operations, as `torch.export` names them, in those of ONNX (opset 17)."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch

Shape = tuple[int, ...]


class Emitter(Protocol):
    """What a graph offers to those who add to it."""

    def __call__(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """Adds a node of this kind; names its result. Inputs are values, numpy arrays, or None."""


class Call:
    """One operation of the traced graph, its arguments as attributes: constants, and names of results."""

    def __init__(self, emit: Emitter, arguments: dict[str, Any], before: Shape, after: Shape) -> None:
        """An operation with its arguments.

        Args:
            emit: adds to the ONNX graph.
            arguments: by the names that PyTorch gives them.
            before: shape of the first input at the size of the trace.
            after: shape of the result there.
        """
        self.emit, self.before, self.after = emit, before, after
        self._arguments = arguments

    def __getattr__(self, name: str) -> Any:
        return self._arguments[name]


def _conv(c: Call) -> str:
    (height, width), pads = c.weight.shape[2:], _both(c.padding)
    return c.emit(
        *("Conv", c.input, c.weight, c.bias),
        kernel_shape=[height, width],
        strides=_both(c.stride),
        dilations=_both(c.dilation),
        pads=pads + pads,
        group=c.groups,
    )


def _conv_transpose(c: Call) -> str:
    (height, width), pads = c.weight.shape[2:], _both(c.padding)
    return c.emit(
        *("ConvTranspose", c.input, c.weight, c.bias),
        kernel_shape=[height, width],
        strides=_both(c.stride),
        output_padding=_both(c.output_padding),
        pads=pads + pads,
        group=c.groups,
    )


def _batch_norm(c: Call) -> str:
    ones, zeros = torch.ones_like(c.running_mean), torch.zeros_like(c.running_mean)
    weight, bias = ones if c.weight is None else c.weight, zeros if c.bias is None else c.bias
    return c.emit("BatchNormalization", c.input, weight, bias, c.running_mean, c.running_var, epsilon=c.eps)


def _instance_norm(c: Call) -> str:
    channels = c.before[1]
    return c.emit(
        "InstanceNormalization", c.input, torch.ones(channels), torch.zeros(channels), epsilon=c.eps
    )


def _pad(c: Call) -> str:
    # PyTorch counts from the last dimension, begin and end together; ONNX all begins, then all ends.
    pairs = [(0, 0)] * (len(c.before) - len(c.pad) // 2)
    pairs += list(zip(c.pad[::2], c.pad[1::2], strict=True))[::-1]
    pads = np.array([pair[0] for pair in pairs] + [pair[1] for pair in pairs], np.int64)
    return c.emit("Pad", c.self, pads, mode=c.mode)


def _resize(c: Call) -> str:
    # By factors, not sizes: all are powers of two, and hold for every size.
    scales = np.array([after / before for before, after in zip(c.before, c.after, strict=True)], np.float32)
    if any(not math.log2(scale).is_integer() for scale in scales):
        raise ValueError(f"{c.before} becomes {c.after}: not resized by a power of two")
    return c.emit(
        *("Resize", c.input, None, scales),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _slice(c: Call) -> str:
    end = np.iinfo(np.int64).max if c.end is None else c.end
    bounds = [np.array([bound], np.int64) for bound in (c.start or 0, end, c.dim, c.step)]
    return c.emit("Slice", c.self, *bounds)


def _view(c: Call) -> str:
    # 0: as in the input. The batch stays free.
    return c.emit("Reshape", c.self, np.array([0, *c.after[1:]], np.int64))


def _linear(c: Call) -> str:
    return c.emit("Gemm", c.input, c.weight, c.bias, transB=1)


def _look_up(c: Call) -> str:
    (indices,) = c.indices
    return c.emit("Gather", c.self, indices, axis=0)


def _cast(c: Call) -> str:
    return c.emit("Cast", c.self, to=_ONNX_TYPES[c.dtype])


def _clamp(c: Call) -> str:
    return c.emit("Clip", c.self, np.array(c.min, np.float32), np.array(c.max, np.float32))


def _unsqueeze(c: Call) -> str:
    return c.emit("Unsqueeze", c.self, np.array([c.dim], np.int64))


def _different(c: Call) -> str:
    return c.emit("Not", c.emit("Equal", c.self, c.other))


def _binary(kind: str) -> Callable[[Call], str]:
    return lambda c: c.emit(kind, c.self, _number(c.other))


def _unary(kind: str) -> Callable[[Call], str]:
    return lambda c: c.emit(kind, c.self)


def _leaky_relu(c: Call) -> str:
    return c.emit("LeakyRelu", c.self, alpha=c.negative_slope)


def _add_product(c: Call) -> str:
    return c.emit("Add", c.self, c.emit("Mul", c.tensor1, c.tensor2))


def _number(value: Any) -> Any:
    return np.array(value, np.float32) if isinstance(value, int | float) else value


def _both(value: Any) -> list[int]:
    """One number for height and width, or two."""
    sides = list(value) if isinstance(value, list | tuple) else [value]
    return sides * 2 if len(sides) == 1 else sides


_ONNX_TYPES = {torch.float32: 1, torch.uint8: 2, torch.int32: 6, torch.int64: 7}
OPERATIONS: dict[str, Callable[[Call], str]] = {
    "add": _binary("Add"),
    "addcmul": _add_product,
    "batch_norm": _batch_norm,
    "cat": lambda c: c.emit("Concat", *c.tensors, axis=c.dim),
    "clamp": _clamp,
    "conv2d": _conv,
    "conv_transpose2d": _conv_transpose,
    "index": _look_up,
    "instance_norm": _instance_norm,
    "leaky_relu": _leaky_relu,
    "linear": _linear,
    "maximum": _binary("Max"),
    "mul": _binary("Mul"),
    "ne": _different,
    "pad": _pad,
    "permute": lambda c: c.emit("Transpose", c.self, perm=list(c.dims)),
    "relu": _unary("Relu"),
    "round": _unary("Round"),
    "sigmoid": _unary("Sigmoid"),
    "slice": _slice,
    "tanh": _unary("Tanh"),
    "to": _cast,
    "unsqueeze": _unsqueeze,
    "upsample_nearest2d": _resize,
    "view": _view,
}
"""By the name of PyTorch's operation, without the underscore of those that work in place."""
