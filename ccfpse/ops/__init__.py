"""Operations of the networks that PyTorch does not have, on plain tensors."""

from ccfpse.native.library import Finish
from ccfpse.ops.choice import compiled_for, is_traced
from ccfpse.ops.condition import Condition, OneHot, find_one_hot
from ccfpse.ops.conv3x3 import conv3x3, conv3x3_of_layout
from ccfpse.ops.depthwise import conditional_depthwise_conv_reference
from ccfpse.ops.predicted import (
    filtered,
    gated,
    modulated,
    predicted_depthwise_conv,
    predicted_depthwise_conv_reference,
)
from ccfpse.ops.scaled import Again, Scaled, enlarged

__all__ = [
    "Again",
    "Condition",
    "Finish",
    "OneHot",
    "Scaled",
    "compiled_for",
    "conditional_depthwise_conv_reference",
    "conv3x3",
    "conv3x3_of_layout",
    "enlarged",
    "filtered",
    "find_one_hot",
    "gated",
    "is_traced",
    "modulated",
    "predicted_depthwise_conv",
    "predicted_depthwise_conv_reference",
]
