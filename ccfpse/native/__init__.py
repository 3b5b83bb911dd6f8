"""Compiled kernels of the conditional convolution: an optional build, found by the operations that use it."""
