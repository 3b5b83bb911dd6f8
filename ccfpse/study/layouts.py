"""Pictures of layouts for people: from a prepared store, or from a folder of label maps."""

import abc
from pathlib import Path

import numpy as np
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.files import read_bytes
from ccfpse.labelimage import read_label_image
from ccfpse.labelspace import ClassTable
from ccfpse.pictures import LABEL_SUFFIXES, decode_picture, picture_values
from ccfpse.prepared import MANIFEST, open_store

_SHADES = np.stack(np.meshgrid(*[np.linspace(40, 240, 7)] * 3), axis=-1).reshape(-1, 3)
_COLORS = np.random.default_rng(0).permutation(_SHADES)[:256].astype(np.uint8)
"""For label maps without a class table: another one for every value."""


class Layouts(abc.ABC):
    """Pictures of layouts, by name."""

    source: Path

    @abc.abstractmethod
    def names(self) -> set[str]:
        """Of all layouts."""

    @abc.abstractmethod
    def pixels(self, name: str) -> Image.Image:
        """A layout in colours, RGB."""

    def picture(self, name: str, size: tuple[int, int]) -> Image.Image:
        """The same at (width, height)."""
        found = self.pixels(name)
        return found if found.size == size else found.resize(size, Image.Resampling.NEAREST)


class StoreLayouts(Layouts):
    """Those of the validation split of a prepared store."""

    def __init__(self, folder: Path) -> None:
        self.source = folder
        store = open_store(folder)
        self._table, self._split = store.class_table, store.split("val")
        self._indices = {name: i for i, name in enumerate(self._split.names)}

    def names(self) -> set[str]:
        """Of all validation layouts."""
        return set(self._indices)

    def pixels(self, name: str) -> Image.Image:
        """In the colours of the class table."""
        return Image.fromarray(self._table.colorize(self._split.labels(self._indices[name])))


class FolderLayouts(Layouts):
    """Label maps in a folder: colours as they are; values in those of a class table, or in made up ones."""

    def __init__(self, folder: Path, table: ClassTable | None) -> None:
        self.source = folder
        self._table = table
        self._paths = named_files(folder, LABEL_SUFFIXES, "label maps")

    def names(self) -> set[str]:
        """Of all label maps."""
        return set(self._paths)

    def pixels(self, name: str) -> Image.Image:
        """In colours."""
        path = self._paths[name]
        if self._table is not None:
            return Image.fromarray(self._table.colorize(read_label_image(path, self._table, "auto")))
        picture = decode_picture(read_bytes(path), str(path))
        if picture.mode in ("P", "PA", "RGB", "RGBA"):
            return picture.convert("RGB")
        return Image.fromarray(_COLORS[picture_values(picture) % len(_COLORS)])


def find_layouts(folder: Path, table: ClassTable | None) -> Layouts:
    """The layouts in a prepared store, or in a folder of label maps.

    Raises:
        DataError: there is no such folder, it is empty, or the store is damaged.
    """
    return StoreLayouts(folder) if (folder / MANIFEST).is_file() else FolderLayouts(folder, table)


def named_files(folder: Path, suffixes: tuple[str, ...], what: str) -> dict[str, Path]:
    """The pictures in a folder (nested), by relative name without suffix.

    Raises:
        DataError: there is no such folder, or it has none, or two of one name.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder; give a folder of {what}")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in suffixes or not path.is_file():
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise DataError(f"{path}: has the same name as {found[name]}; keep one of them")
        found[name] = path
    if not found:
        raise DataError(f"{folder}: holds no {what} ({', '.join(suffixes)}), nor do its folders")
    return found
