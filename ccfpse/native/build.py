"""Builds the compiled kernels for the processor of this machine, into the user's cache.

Nothing is built unasked: `ccfpse compile` does, and `make setup` where there is a compiler. Without it
the same operations run in PyTorch.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from ccfpse.errors import OutputError
from ccfpse.files import replacing
from ccfpse.native.library import library
from ccfpse.native.place import FLAGS, SOURCE, library_path
from ccfpse.outputlock import output_lock

_COMPILERS = ("c++", "g++", "clang++")


def find_compiler() -> list[str] | None:
    """The command of the C++ compiler that `CXX` names, or of a usual one; None: there is none."""
    commands = [shlex.split(os.environ["CXX"])] if os.environ.get("CXX") else [[name] for name in _COMPILERS]
    return next((command for command in commands if shutil.which(command[0])), None)


def advice(device: str) -> str | None:
    """What would make work on a device (`cpu`, `cuda`) faster; None: nothing."""
    if device != "cpu" or library() is not None or find_compiler() is None:
        return None
    return "`ccfpse compile` builds kernels for this processor that are faster than PyTorch's"


def build(flags: tuple[str, ...] = FLAGS) -> Path:
    """Compiles the library; returns where it lies.

    Raises:
        OutputError: there is no compiler, it fails, or the cache cannot be written.
    """
    compiler = find_compiler()
    if compiler is None:
        raise OutputError(
            "no C++ compiler was found (c++, g++ or clang++, or the one that CXX names); "
            "ccfpse works without, more slowly"
        )
    path = library_path()
    with output_lock(path), replacing(path) as temporary:
        command = [*compiler, *flags, str(SOURCE / "kernels.cpp"), "-o", str(temporary)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            lines = ended.stderr.strip().splitlines() or ["it says nothing"]
            said = next((line for line in lines if "error" in line), lines[-1])
            raise OutputError(f"{compiler[0]} cannot build the kernels ({said}); ccfpse works without")
    library.cache_clear()
    return path
