"""What was measured of every photo, in part files: written as work goes on, found again after a stop."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ccfpse.files import replacing

Array = npt.NDArray[Any]
_PART = 64  # photos a file: what an interruption costs at most
_DAMAGED = (
    *(OSError, ValueError, LookupError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)
"""What NumPy raises for files that are missing or damaged."""


class Records:
    """Named columns, a row for every photo. Memory does not grow with the photos: columns lie on disk.

    Args:
        folder: of the part files; whatever decides their content is in its name.
        n: photos in all.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self._folder = folder
        self._parts = [range(start, min(start + _PART, n)) for start in range(0, n, _PART)]
        self.n = n

    def missing(self) -> list[range]:
        """Photos of the parts that are still to be measured."""
        columns = [_columns(self._file(i)) for i in range(len(self._parts))]
        wanted = set().union(*columns)  # a part with other columns than the rest is damaged
        return [
            part for part, found in zip(self._parts, columns, strict=True) if not found or found != wanted
        ]

    def write(self, part: range, columns: Mapping[str, Array]) -> None:
        """Adds the rows of one of the parts.

        Raises:
            OutputError: it cannot be written.
        """
        with replacing(self._file(part.start // _PART)) as temporary:
            np.savez_compressed(temporary, **columns)  # type: ignore[arg-type]

    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        with np.load(self._file(0), allow_pickle=False) as arrays:
            return tuple(arrays.files)

    def stream(self, name: str) -> Iterator[Array]:
        """A column, part by part."""
        for i in range(len(self._parts)):
            yield self._load(i, name)

    def column(self, name: str) -> Array:
        """A column whole: for small rows."""
        return np.concatenate(list(self.stream(name)))

    def rows(self, name: str, indices: Sequence[int]) -> Array:
        """Some rows of a column, in the order of ascending `indices`."""
        wanted = np.asarray(indices)
        parts = wanted // _PART
        return np.concatenate(
            [self._load(i, name)[wanted[parts == i] % _PART] for i in np.unique(parts).tolist()]
        )

    def _file(self, i: int) -> Path:
        return self._folder / f"{i:06d}.npz"

    def _load(self, i: int, name: str) -> Array:
        with np.load(self._file(i), allow_pickle=False) as arrays:
            column: Array = arrays[name]
        return column


def _columns(file: Path) -> set[str]:
    """Names of a part's columns; of a part that is missing or damaged, none."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            if any(entry.comment for entry in arrays.zip.infolist()):
                return set()  # NumPy writes none; a wrong length of one hides the next column
            return set(dict(arrays))  # all of them read, and their checksums
    except _DAMAGED:
        return set()
