"""The machine: devices, memory, disks, and whether the compiled kernels serve."""

import dataclasses
import platform
import shutil
from pathlib import Path

import torch

from ccfpse.native.build import find_compiler
from ccfpse.native.library import library
from ccfpse.native.place import library_path


@dataclasses.dataclass(frozen=True, slots=True)
class Device:
    """What networks can run on."""

    name: str
    """As `runtime.device` has it: cpu, cuda:0, mps."""
    description: str
    memory_bytes: int | None
    """All of it; None: not told."""
    free_bytes: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Kernels:
    """The compiled kernels for the CPU."""

    used: bool
    reason: str
    """What serves, or why not and what to do."""
    half_precision: bool
    """Whether `bf16` multiplies in half precision on this processor."""


@dataclasses.dataclass(frozen=True, slots=True)
class Disk:
    """Where outputs go."""

    folder: str
    total_bytes: int
    free_bytes: int


def devices() -> list[Device]:
    """The CPU, then GPUs."""
    total, free = _memory()
    found = [Device("cpu", _processor(), total, free)]
    for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        try:
            there, whole = torch.cuda.mem_get_info(i)
        except RuntimeError:  # busy with somebody who wants it alone, or not usable by this build
            there, whole = None, torch.cuda.get_device_properties(i).total_memory
        found.append(Device(f"cuda:{i}", torch.cuda.get_device_name(i), whole, there))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple's GPU", None, None))
    return found


def kernels() -> Kernels:
    """Whether they are there, and if not, why."""
    try:
        found = library()
    except OSError as error:
        return Kernels(False, f"cannot be loaded: {error}", False)
    if found is not None:
        return Kernels(True, str(library_path()), found.has_half)
    if find_compiler() is None:
        compilers = "no C++ compiler was found (c++, g++ or clang++, or the one that CXX names)"
        return Kernels(False, f"{compilers}; with one, `ccfpse compile` builds them", False)
    return Kernels(False, "not built for this processor; `ccfpse compile` builds them", False)


def disk(folder: Path) -> Disk:
    """Of a folder that may not be there yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    usage = shutil.disk_usage(there)
    return Disk(str(folder), usage.total, usage.free)


def _memory() -> tuple[int | None, int | None]:
    """Of the machine, and what programs could have of it now; less where a container has less."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        sizes = {name: int(rest.split()[0]) << 10 for name, rest in (line.split(":") for line in lines)}
    except (OSError, ValueError, IndexError):
        return None, None
    total, free = sizes.get("MemTotal"), sizes.get("MemAvailable")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))
        left = limit - int(Path("/sys/fs/cgroup/memory.current").read_text("ascii"))
    except (OSError, ValueError):  # no container, or "max"
        return total, free
    if total is None or free is None:
        return total, free
    return min(total, limit), min(free, left)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
