"""Which form of an operation serves a tensor: the compiled kernels where they can, PyTorch elsewhere."""

import torch
from torch import Tensor, nn

from ccfpse.native.library import Library, library


def is_traced() -> bool:
    """Whether a graph is being made of what is computed, for `torch.export`, ONNX or `torch.compile`."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None


def compiled_for(x: Tensor) -> Library | None:
    """The compiled kernels, if they are built and serve such a tensor: on the CPU, float32."""
    # Other subclasses (those that estimate memory, without content) and tracing have no numbers to read.
    has_numbers = type(x) in (Tensor, nn.Parameter) and not is_traced()
    return library() if has_numbers and x.device.type == "cpu" and x.dtype == torch.float32 else None
