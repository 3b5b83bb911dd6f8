"""Versions of what figures depend on."""

from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    *("ccfpse", "torch", "torchvision", "pytorch-fid", "numpy", "scipy", "scikit-image", "pillow"),
    *("transformers", "huggingface_hub", "lpips"),
)


def versions() -> list[str]:
    """Of packages, such as "torch 2.6.0"."""
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue  # an extra, or run from a source tree without installation
    return found
