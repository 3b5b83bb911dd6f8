"""How the process keeps memory that it no longer uses."""

import ctypes
import sys

_LARGE = 4 << 20
_M_MMAP_THRESHOLD = -3  # of mallopt, in glibc's malloc.h


def return_large_pieces() -> None:
    """Hands freed pieces of 4 MB and more back to the system at once.

    By default glibc keeps pieces of up to 32 MB for later. Training frees its feature maps in another
    order than it needs the next ones, and half of the process would be such gaps (docs/speed.md). Does
    nothing where the C library is another one.
    """
    if sys.platform == "linux" and (set_option := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        set_option(_M_MMAP_THRESHOLD, _LARGE)
