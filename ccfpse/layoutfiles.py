"""What `ccfpse synthesize` is pointed at: label maps in a folder, one label map, or a prepared store."""

import dataclasses
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.errors import DataError, SettingsError
from ccfpse.labelimage import Coding, read_instance_image, read_label_image
from ccfpse.labelspace import ClassTable, Ids
from ccfpse.model import Model
from ccfpse.opening import read_regular
from ccfpse.pictures import LABEL_SUFFIXES, decode_photo
from ccfpse.prepared import PreparedSplit, open_store

_CITYSCAPES = ("_labelIds", "_instanceIds")  # ends of the names of label and instance maps there

Instances = npt.NDArray[np.int32]


class LayoutSource(Protocol):
    """One layout that can be read, any number of times."""

    @property
    def name(self) -> str:
        """Relative name without suffix, "/" between folders: of the photo to come, and its style."""

    @property
    def origin(self) -> Path:
        """The file it comes from, for messages."""

    def read(self) -> tuple[Ids, Instances | None]:
        """Class ids of the model, and instance numbers where there are any, both (H, W).

        Raises:
            DataError: it cannot be read, or holds what the model does not know.
        """

    def photo(self) -> npt.NDArray[np.uint8]:
        """The real photo of this layout, (H, W, 3).

        Raises:
            SettingsError: there is none.
        """


@dataclasses.dataclass(frozen=True)
class LayoutFile:
    """A label map in a file of its own."""

    name: str
    origin: Path
    instances: Path | None
    reader: "TableReader"

    def read(self) -> tuple[Ids, Instances | None]:
        """As `LayoutSource`."""
        labels = self.reader.read(self.origin)
        if self.instances is None:
            return labels, None
        if not self.instances.exists():
            raise DataError(
                f"{self.origin}: has no instance map {self.instances}; add it, or leave out --instances"
            )
        numbers = read_instance_image(self.instances)
        if numbers.shape != labels.shape:
            raise DataError(
                f"{self.instances}: is {_shown(numbers.shape)} pixels, but its label map {self.origin} is "
                f"{_shown(labels.shape)}"
            )
        return labels, numbers

    def photo(self) -> npt.NDArray[np.uint8]:
        """As `LayoutSource`."""
        raise SettingsError(
            "style own needs a prepared store, which has the photos; here are label maps alone"
        )


@dataclasses.dataclass(frozen=True)
class StoredLayout:
    """A layout of a prepared store's validation split."""

    name: str
    origin: Path
    split: PreparedSplit
    index: int
    numbering: "Numbering"

    def read(self) -> tuple[Ids, Instances | None]:
        """As `LayoutSource`."""
        stored = np.asarray(self.split.labels(self.index))
        labels = self.numbering.apply(stored, f"{self.origin}: {self.name}")
        numbers = self.split.instances(self.index)
        return labels, None if numbers is None else numbers.astype(np.int32)

    def photo(self) -> npt.NDArray[np.uint8]:
        """As `LayoutSource`."""
        return np.asarray(self.split.image(self.index))


class Numbering:
    """Class ids of one table as those of another, classes matched by name."""

    def __init__(self, given: ClassTable, wanted: ClassTable, where: str) -> None:
        """Prepares the way from `given`, of what is called `where` in messages, to `wanted`, the model's.

        Raises:
            DataError: the tables have not one class in common.
        """
        ids = {name: i for i, name in enumerate(wanted.names)}
        self._names = given.names
        self._ids = [ids.get(name) for name in given.names]
        if all(ids.get(c.name) is None for c in given.classes):
            raise DataError(
                f"{where}: not one of its classes ({', '.join(given.names[:3])}, …) is among the model's "
                f"({', '.join(wanted.names[:3])}, …); use a model that was trained for these labels"
            )
        self._lookup = np.array([i or 0 for i in self._ids], np.uint8)

    def apply(self, ids: Ids, where: str) -> Ids:
        """The same map, (H, W), in the other table's numbers.

        Raises:
            DataError: it has pixels of a class that the model does not know.
        """
        for i in np.unique(ids):
            if i >= len(self._ids) or self._ids[i] is None:
                name = self._names[i] if i < len(self._ids) else f"number {i}"
                count = int((ids == i).sum())
                raise DataError(f"{where}: has {count} pixels of class {name}, which the model does not know")
        renumbered: Ids = self._lookup[ids]
        return renumbered


@dataclasses.dataclass(frozen=True)
class TableReader:
    """Reads label maps by a class table, and numbers them as the model does."""

    table: ClassTable
    coding: Coding
    numbering: Numbering

    def read(self, file: Path) -> Ids:
        """Class ids of the model, (H, W)."""
        return self.numbering.apply(read_label_image(file, self.table, self.coding), str(file))


def find_layouts(
    labels: Path,
    instances: Path | None,
    model: Model,
    table: ClassTable | None,
    coding: Coding,
) -> list[LayoutSource]:
    """All layouts of a folder (nested), a single file, or a prepared store's validation split, by name.

    Args:
        labels: folder, label map or prepared store.
        instances: folder of instance maps with the label maps' relative names; of a single file, its map
            or such a folder.
        model: for which they are.
        table: of the label maps; None: the model's.
        coding: how label maps say their class.

    Raises:
        DataError: nothing there, a map without its pair, or two label maps for one photo.
        SettingsError: options that do not go with a prepared store, or with the model.
    """
    if instances is not None and not model.has_boundary:
        raise SettingsError(
            f"{model.name}: was trained without object boundaries; leave out --instances {instances}"
        )
    if (labels / "manifest.json").is_file():
        if instances is not None or table is not None:
            raise SettingsError(
                f"{labels}: is a prepared store, which has instances and classes of its own; "
                "leave out --instances and --classes"
            )
        return _stored(labels, model.class_table)
    table = table or model.class_table
    reader = TableReader(table, coding, Numbering(table, model.class_table, f"class table {table.name}"))
    if labels.is_dir():
        return _in_folder(labels, instances, reader)
    if not labels.exists():
        raise DataError(
            f"{labels}: does not exist; give a folder of label maps, a label map or a prepared store"
        )
    if instances is not None and instances.is_dir():
        instances = instances / labels.name
    return [LayoutFile(_name(labels, labels.parent), labels, instances, reader)]


def _stored(folder: Path, model_table: ClassTable) -> list[LayoutSource]:
    store = open_store(folder)
    numbering = Numbering(store.class_table, model_table, str(folder))
    split = store.split("val")
    return [StoredLayout(name, folder, split, i, numbering) for i, name in enumerate(split.names)]


def _in_folder(folder: Path, instances: Path | None, reader: TableReader) -> list[LayoutSource]:
    files = _maps(folder)
    if any(file.stem.endswith(_CITYSCAPES[0]) for file in files):  # its other maps lie beside them
        files = [file for file in files if file.stem.endswith(_CITYSCAPES[0])]
    if not files:
        raise DataError(f"{folder}: holds no label maps ({', '.join(LABEL_SUFFIXES)}), nor do its folders")
    pairs = {} if instances is None else {_name(f, instances): f for f in _maps(instances)}
    found: dict[str, LayoutSource] = {}
    for file in files:
        name = _name(file, folder)
        if name in found:
            raise DataError(f"{file} and {found[name].origin} would both become the photo {name}; rename one")
        pair = None
        if instances is not None:
            missing = instances / f"{name}.png"
            pair = pairs.get(name) or pairs.get(name.replace(*_CITYSCAPES)) or missing
        found[name] = LayoutFile(name, file, pair, reader)
    return list(found.values())


def _maps(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder of instance maps")
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in LABEL_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def read_photo(path: Path) -> Image.Image:
    """A photo in a file, as RGB.

    Raises:
        DataError: it cannot be read, or is no picture.
    """
    try:
        content = read_regular(path)
    except OSError as error:
        raise DataError(f"{path}: the photo cannot be read ({error.strerror})") from error
    return decode_photo(content, str(path))


def _name(file: Path, folder: Path) -> str:
    """What the photo of a label map is called, and its style drawn by.

    Raises:
        DataError: the file's name is no text.
    """
    name = file.relative_to(folder).with_suffix("").as_posix()
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"{file}: has a name that is not UTF-8; rename it") from error
    return name


def _shown(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
