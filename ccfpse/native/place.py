"""Where the compiled kernels lie once they are built: one file for a source, its flags and a processor."""

import hashlib
import platform
from pathlib import Path

from ccfpse.caches import cache_folder

SOURCE = Path(__file__).with_name("kernels")
"""Folder of `kernels.cpp` and what it includes."""
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-std=c++17", "-fopenmp", "-fPIC", "-shared")


def library_path() -> Path:
    """In the user's cache; another source, compiler flag or processor has another name."""
    texts = [path.read_text("utf-8") for path in sorted([*SOURCE.glob("*.cpp"), *SOURCE.glob("*.h")])]
    parts = (*texts, *FLAGS, platform.machine(), _processor())
    return cache_folder() / f"kernels-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.so"


def _processor() -> str:
    """What the processor can do: a library built for another one might not run on this one."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
