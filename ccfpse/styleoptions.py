"""Styles as a user names them (words, photos, files of vectors) for a model."""

import io
import tokenize
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ccfpse.errors import DataError, SettingsError
from ccfpse.layoutfiles import read_photo
from ccfpse.model import Model
from ccfpse.opening import read_regular
from ccfpse.recipe import file_name
from ccfpse.styles import NamedStyle, Style, interpolated

WORDS = ("prior", "mean", "own")
"""Styles that are no files."""
VECTOR_SUFFIX = ".npy"

_MOST_BYTES = 2**20  # of a vector's file: they have one or two thousand


def read_style(model: Model, given: Sequence[str], share: float | None) -> str | NamedStyle:
    """The style that options of the command line mean.

    Args:
        model: for which it is; it looks at photos.
        given: one of `WORDS`, a photo's path or that of a vector; or two, without prior and own.
        share: of two styles: how far from the first to the second, 0 to 1.

    Raises:
        SettingsError: more than two styles, a share without two or two without a share, or a style that the
            model cannot have.
        ModelFileError: the model has no encoder for photos.
        DataError: a file is not there, or is no photo and no vector.
    """
    if len(given) == 1 and share is None:
        return given[0] if given[0] in WORDS else named_style(model, given[0])
    if len(given) != 2 or share is None:
        raise SettingsError(
            "give --style once, or twice with --share, the way from the first to the second: 0 is the first, "
            "1 the second"
        )
    a, b = (named_style(model, one) for one in given)
    return between(a, b, share)


def between(a: NamedStyle, b: NamedStyle, share: float) -> NamedStyle:
    """The style that is `share` of the way from `a` to `b`, called so."""
    return NamedStyle(f"{share:g} from {a.text} to {b.text}", interpolated(a.vector, b.vector, share))


def named_style(model: Model, given: str) -> NamedStyle:
    """One style for all layouts: `mean`, that of a photo, or a vector in a file of numpy's (.npy).

    Raises:
        SettingsError, ModelFileError, DataError: as `read_style`.
    """
    if model.style_dim is None:
        raise SettingsError(
            f"{model.name}: was trained without a style; leave the style at prior, or train with "
            "model.style: true"
        )
    if given in ("prior", "own"):
        raise SettingsError(
            f"style {given} differs from layout to layout; between two styles, give mean, photos or vectors"
        )
    if given == "mean":
        return NamedStyle("mean", np.zeros(model.style_dim, np.float32))
    path = Path(given)
    if path.suffix == VECTOR_SUFFIX:
        return NamedStyle(f"vector {file_name(path)}", _read_vector(path, model.style_dim))
    return NamedStyle(f"photo {file_name(path)}", model.encode_style(read_photo(path)))


def _read_vector(path: Path, dim: int) -> Style:
    try:
        found = np.load(io.BytesIO(read_regular(path, _MOST_BYTES)), allow_pickle=False)
    except OSError as error:
        raise DataError(f"{path}: the style cannot be read ({error.strerror or error})") from error
    # What numpy's reader of headers raises at damaged ones.
    except (ValueError, EOFError, SyntaxError, MemoryError, OverflowError, tokenize.TokenError) as error:
        raise DataError(f"{path}: is no file of a style ({error}); `numpy.save` writes one") from error
    if not isinstance(found, np.ndarray) or found.shape != (dim,) or found.dtype.kind not in "fiu":
        told = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else "an archive"
        raise DataError(f"{path}: holds {told}; a style of {dim} numbers is needed")
    with np.errstate(over="ignore"):  # becomes infinite, and is refused
        vector: Style = found.astype(np.float32)
    if not np.isfinite(vector).all():
        raise DataError(f"{path}: holds numbers that are not finite; save the style again")
    return vector
