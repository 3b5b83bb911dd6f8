"""`ccfpse compile`."""

from .console import errors_as_messages, say


def compile_() -> None:
    """Build faster kernels for this processor; needs a C++ compiler, once.

    Example:
        ccfpse compile
    """
    with errors_as_messages():
        from ccfpse.native.build import build

        say(f"{build()}: used from now on, on the CPU")
