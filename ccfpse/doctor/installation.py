"""What is installed: versions, and which of the optional extras."""

import dataclasses
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

import torch

_PACKAGES = ("ccfpse", "torch", "torchvision", "numpy", "scipy", "pillow", "safetensors", "dvc", "typer")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+).*\bextra\s*==\s*['\"]([^'\"]+)['\"]")


@dataclasses.dataclass(frozen=True, slots=True)
class Extra:
    """`pip install 'ccfpse[name]'`."""

    name: str
    missing: tuple[str, ...]
    """Packages of it that are not installed."""


def versions() -> dict[str, str]:
    """Of Python, the system, PyTorch's build and the packages that matter most."""
    found = {"python": platform.python_version(), "system": platform.platform(), "executable": sys.executable}
    found |= {name: version for name in _PACKAGES if (version := _version(name)) is not None}
    return found | {"torch build": _build()}


def extras() -> list[Extra]:
    """As the installed package states them; none where it runs from its sources alone."""
    try:
        stated = requires("ccfpse") or []
    except PackageNotFoundError:
        return []
    packages: dict[str, list[str]] = {}
    for requirement in stated:
        if matched := _REQUIREMENT.match(requirement):
            packages.setdefault(matched[2], []).append(matched[1])
    return [
        Extra(name, tuple(one for one in packages[name] if _version(one) is None))
        for name in sorted(packages)
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _build() -> str:
    if torch.version.cuda is not None:
        return f"CUDA {torch.version.cuda}"
    hip = getattr(torch.version, "hip", None)
    return "CPU" if hip is None else f"ROCm {hip}"
