"""Which form of an operation serves a tensor: the compiled kernels where they can, PyTorch elsewhere."""

import torch
from torch import Tensor, nn

from ccfpse.native.library import Library, library


def compiled_for(x: Tensor) -> Library | None:
    """The compiled kernels, if they are built and serve such a tensor: on the CPU, float32 or bfloat16.

    They compute in float32: of bfloat16 a quarter of the multiplications would leave too few digits.
    """
    # Other subclasses (those that estimate memory, without content) and tracing have no numbers to read.
    has_numbers = type(x) in (Tensor, nn.Parameter) and not torch.compiler.is_compiling()
    serves = has_numbers and x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16)
    return library() if serves else None
