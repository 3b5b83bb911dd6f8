"""Pairs of a real validation photo with the photo synthesized from its layout."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.files import read_bytes
from ccfpse.pictures import decode_photo
from ccfpse.prepared import PreparedSplit

Pixels = npt.NDArray[np.uint8]


class SynthesizedPhotos:
    """Photos `<folder>/<name>.png` for all names of a split, read on demand.

    Raises:
        DataError: photos are missing; the sentence says how many and which is the first.
    """

    def __init__(self, folder: Path, split: PreparedSplit) -> None:
        self._paths = [folder / f"{name}.png" for name in split.names]
        self._size = split.size
        missing = [path for path in self._paths if not path.is_file()]
        if missing:
            raise DataError(
                f"{missing[0]}: is missing, {len(missing)} of {len(self._paths)} synthesized photos in all; "
                "run `ccfpse synthesize` on the prepared store"
            )

    def image(self, index: int) -> Pixels:
        """A synthesized photo, (H, W, 3).

        Raises:
            DataError: the file is no picture, or has not the size of the real photo.
        """
        path = self._paths[index]
        pixels: Pixels = np.asarray(decode_photo(read_bytes(path), str(path)))
        if pixels.shape[:2] != self._size:
            (height, width), (found_height, found_width) = self._size, pixels.shape[:2]
            raise DataError(
                f"{path}: is {found_height}x{found_width}, but the validation photos are {height}x{width}; "
                "run `ccfpse synthesize` on the prepared store again"
            )
        return pixels


def batches(n: int, size: int) -> Iterator[list[int]]:
    """Indices 0..n-1 in parts of at most `size`."""
    for start in range(0, n, size):
        yield list(range(start, min(start + size, n)))
