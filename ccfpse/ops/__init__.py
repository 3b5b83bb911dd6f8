"""Operations of the networks that PyTorch does not have, on plain tensors."""

from ccfpse.ops.depthwise import conditional_depthwise_conv, conditional_depthwise_conv_reference

__all__ = ["conditional_depthwise_conv", "conditional_depthwise_conv_reference"]
