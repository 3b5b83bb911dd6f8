"""What the shell offers after the TAB key, beside commands, options and file names.

Where nothing is offered, shells offer file names. Whatever goes wrong here stays unsaid: somebody is typing.
"""

from collections.abc import Iterable
from pathlib import Path

STYLES = ("prior", "mean", "own")
_DEVICES = ("auto", "cpu", "cuda", "cuda:0", "cuda:1", "mps")
_PUBLISHED = ("cityscapes", "coco-stuff", "ade20k")


def complete_style(incomplete: str) -> list[str]:
    """Ways to choose a style; a photo is one as well."""
    return _that_begin(STYLES, incomplete)


def complete_device(incomplete: str) -> list[str]:
    """Names of devices, there or not: to know, torch would have to be imported."""
    return _that_begin(_DEVICES, incomplete)


def complete_preset(incomplete: str) -> list[str]:
    """Names of presets, which are those of the data sets."""
    from ccfpse.sections import DATASETS

    return _that_begin(DATASETS, incomplete)


def complete_published(incomplete: str) -> list[str]:
    """Data sets that published checkpoints were trained on."""
    return _that_begin(_PUBLISHED, incomplete)


def complete_variant(incomplete: str) -> list[str]:
    """Variants of `compare.variants` in the `params.yaml` of this folder."""
    from ccfpse.config import load_settings
    from ccfpse.errors import CcfpseError

    try:
        return _that_begin(load_settings(Path("params.yaml")).compare.variants, incomplete)
    except CcfpseError:
        return []


def _that_begin(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
