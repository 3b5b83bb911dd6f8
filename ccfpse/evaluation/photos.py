"""Sets of photos of one size, read on demand: synthesized ones, and those they are compared with."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.datasets.fitting import Size, fit_photo
from ccfpse.errors import DataError
from ccfpse.files import read_bytes, sha256_file
from ccfpse.pictures import decode_photo
from ccfpse.prepared import PreparedSplit

Pixels = npt.NDArray[np.uint8]
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class PhotoSet(Protocol):
    """Photos of one size."""

    def __len__(self) -> int: ...

    def image(self, index: int, /) -> Pixels:
        """Pixels, (H, W, 3)."""
        ...

    def digest(self) -> str:
        """SHA-256 that changes with any photo."""
        ...


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

    def __len__(self) -> int:
        return len(self._paths)

    def digest(self) -> str:
        """Of the files' bytes."""
        return _digest_of(sha256_file(path) for path in self._paths)

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


class SplitPhotos:
    """Photos of a split of a prepared store, at `size`: bicubic where that is not theirs.

    Args:
        split: of the store.
        store_checksum: of that store, with the split's name.
        size: height and width.
    """

    def __init__(self, split: PreparedSplit, store_checksum: str, size: Size) -> None:
        self._split = split
        self._checksum = store_checksum
        self._size = size

    def __len__(self) -> int:
        return len(self._split)

    def digest(self) -> str:
        """Of the store's checksum and the size."""
        return _digest_of([self._checksum, str(self._size)])

    def image(self, index: int) -> Pixels:
        """A real photo, (H, W, 3)."""
        return resized(self._split.image(index), self._size)


class FolderPhotos:
    """All pictures below a folder, at `size`: bicubic.

    Raises:
        DataError: there is none.
    """

    def __init__(self, folder: Path, size: Size) -> None:
        self._paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        self._size = size
        if not self._paths:
            raise DataError(
                f"{folder}: has no pictures ({', '.join(_SUFFIXES)}); evaluate.reference names val, train or "
                "a folder of photos"
            )

    def __len__(self) -> int:
        return len(self._paths)

    def digest(self) -> str:
        """Of the files' bytes and the size."""
        return _digest_of([*(sha256_file(path) for path in self._paths), str(self._size)])

    def image(self, index: int) -> Pixels:
        """A photo, (H, W, 3).

        Raises:
            DataError: the file is no picture.
        """
        path = self._paths[index]
        return resized(np.asarray(decode_photo(read_bytes(path), str(path))), self._size)


def resized(pixels: Pixels, size: Size) -> Pixels:
    """A photo, (H, W, 3), at another size, bicubic; itself where it has that size."""
    return pixels if pixels.shape[:2] == size else fit_photo(Image.fromarray(pixels), size, "stretch")


def batches(indices: range, size: int) -> Iterator[list[int]]:
    """Some indices in parts of at most `size`."""
    for start in range(0, len(indices), size):
        yield list(indices[start : start + size])


def _digest_of(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
