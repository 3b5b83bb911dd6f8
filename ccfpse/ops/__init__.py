"""Operations of the networks that PyTorch does not have, on plain tensors."""

from ccfpse.native.library import Finish
from ccfpse.ops.choice import compiled_for
from ccfpse.ops.conv3x3 import OneHot, conv3x3, conv3x3_of_layout, find_one_hot, gate, modulate
from ccfpse.ops.depthwise import conditional_depthwise_conv, conditional_depthwise_conv_reference
from ccfpse.ops.predicted import predicted_depthwise_conv, predicted_depthwise_conv_reference
from ccfpse.ops.scaled import Scaled, enlarged

__all__ = [
    "Finish",
    "OneHot",
    "Scaled",
    "compiled_for",
    "conditional_depthwise_conv",
    "conditional_depthwise_conv_reference",
    "conv3x3",
    "conv3x3_of_layout",
    "enlarged",
    "find_one_hot",
    "gate",
    "modulate",
    "predicted_depthwise_conv",
    "predicted_depthwise_conv_reference",
]
