"""The prepared store, read: a folder of memory-mapped arrays with a manifest.

    manifest.json                   what it was made of, and a checksum of every sample
    {train,val}/images.npy          uint8 (N, H, W, 3)
    {train,val}/labels.npy          uint8 (N, H, W), class ids
    {train,val}/instances.npy       uint16 (N, H, W), 0.. per photo; only where asked for

Training photos have `data.load_size`, from which training crops; validation photos have `data.size`,
resized to it at once, as the paper tests. `ccfpse.preparing` writes it.
"""

import hashlib
import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ccfpse.errors import DataError
from ccfpse.files import read_json, sha256_file
from ccfpse.labelspace import ClassTable, DamagedClassTable, Ids, check_class_name
from ccfpse.opening import open_regular
from ccfpse.outputlock import recover

FORMAT = 1
"""Of the folder; raised whenever older code could not read a newer folder."""
MANIFEST = "manifest.json"
SPLITS = ("train", "val")

Pixels = npt.NDArray[np.uint8]
Instances = npt.NDArray[np.uint16]


class PreparedSplit:
    """Samples of one split, read on demand. Pickles as its place, so that workers open it themselves.

    What is open stays what it was when `ccfpse prepare` replaces the store: its files are gone only when
    nobody has them open. A worker that finds the new one says so.

    Raises:
        DataError: an array is missing or has not the shape that the manifest says.
    """

    def __init__(
        self, folder: Path, entry: dict[str, Any], has_instances: bool, n_labels: int, checksum: str
    ) -> None:
        self.names: tuple[str, ...] = tuple(_name(sample["name"]) for sample in entry["samples"])
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"two samples of {folder.name} have one name")
        self.size: tuple[int, int] = (_side(entry["size"][0]), _side(entry["size"][1]))
        self._n_labels = n_labels
        self._origin = (folder.parent, folder.name, checksum)
        self._maps: list[mmap.mmap] = []
        shape = (len(self), *self.size)
        self._images = self._mapped(folder / "images.npy", (*shape, 3), np.uint8)
        self._labels = self._mapped(folder / "labels.npy", shape, np.uint8)
        self._instances = self._mapped(folder / "instances.npy", shape, np.uint16) if has_instances else None

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Pixels:
        """A photo, (H, W, 3), read-only."""
        photo: Pixels = self._images[index]
        return photo

    def labels(self, index: int) -> Ids:
        """Class ids, (H, W), read-only.

        Raises:
            DataError: an id that the class table does not have.
        """
        ids: Ids = self._labels[index]
        if (largest := int(ids.max())) >= self._n_labels:
            store, split, _ = self._origin
            file = store / split / "labels.npy"
            raise _not_a_store(
                store, f"{file} has class {largest} in {self.names[index]}, unknown to its table"
            )
        return ids

    def instances(self, index: int) -> Instances | None:
        """Object numbers of the photo, (H, W), read-only; None where the store has none."""
        return None if self._instances is None else self._instances[index]

    def release(self) -> None:
        """Gives back the memory of what was read so far; it is read from the files again when asked for.

        Worth calling now and then in a pass over a split: mapped pages count as the process's own memory.
        """
        if hasattr(mmap, "MADV_DONTNEED"):
            for pages in self._maps:
                pages.madvise(mmap.MADV_DONTNEED)

    def _mapped(self, file: Path, shape: tuple[int, ...], kind: type[np.generic]) -> npt.NDArray[Any]:
        array = _open_array(file, shape, kind)
        if array.size:
            self._maps.append(array._mmap)  # type: ignore[attr-defined]
        # A view of the plain type: indexing np.memmap costs ten times as much.
        return array.view(np.ndarray)

    def __reduce__(self) -> tuple[Callable[[Path, str, str], "PreparedSplit"], tuple[Path, str, str]]:
        return _open_split, self._origin


class PreparedStore:
    """A complete prepared store.

    Raises:
        DataError: the folder is not one; the sentence says why.
    """

    def __init__(self, path: Path) -> None:
        recover(path)
        self.path = path
        self.manifest: dict[str, Any] = _read_manifest(path)
        """What `manifest.json` holds."""
        self.checksum = sha256_file(path / MANIFEST)
        """SHA-256 of the manifest, which holds those of all samples."""
        try:
            self.name: str = check_class_name(self.manifest["dataset"])
            self.class_table = ClassTable.from_dict(self.manifest["class_table"])
            self.has_instances: bool = self.manifest["instances"]
            if not isinstance(self.has_instances, bool):
                raise TypeError(f"instances is {self.has_instances!r}")
            splits = self.manifest["splits"]
            self._splits = {
                name: PreparedSplit(
                    path / name, splits[name], self.has_instances, self.class_table.n_labels, self.checksum
                )
                for name in SPLITS
            }
            self.size: tuple[int, int] = self._splits["train"].size
            """Height and width of the training photos (`data.load_size`); a split knows its own."""
        except DamagedClassTable as error:
            raise _not_a_store(path, f"its {MANIFEST} is damaged, {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise _not_a_store(path, f"its {MANIFEST} is damaged, {error!r}") from error
        if _read_manifest(path) != self.manifest:
            raise _replaced(path)

    def split(self, name: str) -> PreparedSplit:
        """The samples of `train` or `val`."""
        return self._splits[name]

    def __reduce__(self) -> tuple[Callable[[Path], "PreparedStore"], tuple[Path]]:
        return open_store, (self.path,)


def open_store(path: Path) -> PreparedStore:
    """Opens the folder that `ccfpse prepare` wrote.

    Raises:
        DataError: it is no complete prepared store.
    """
    return PreparedStore(path)


def sample_digest(image: Pixels, labels: Ids, instances: Instances | None) -> str:
    """SHA-256 over the bytes of a prepared sample, as the manifest holds it."""
    digest = hashlib.sha256()
    for array in (image, labels) if instances is None else (image, labels, instances):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _name(name: Any) -> str:
    """A sample's name: files are called so, and stay in the folder that they are written to.

    Raises:
        ValueError: it leads elsewhere, or no file can be called so.
    """
    if not isinstance(name, str) or "\0" in name or {"", ".", ".."} & set(name.split("/")):
        raise ValueError(f"{str(name)[:60]!r} names no sample")
    name.encode("utf-8")  # or else raises a ValueError
    return name


def _side(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"size is {str(value)[:60]}")
    return value


def _open_split(path: Path, name: str, checksum: str) -> PreparedSplit:
    store = open_store(path)
    if store.checksum != checksum:
        raise _replaced(path)
    return store.split(name)


def _read_manifest(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise _not_a_store(path, "it is not a folder" if path.exists() else "there is no such folder")
    if not (path / MANIFEST).is_file():
        raise _not_a_store(path, f"it has no {MANIFEST}")
    content = read_json(path / MANIFEST, DataError, "run `ccfpse prepare` again")
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise _not_a_store(path, f"its {MANIFEST} has format {found}, this program reads {FORMAT}")
    return dict(content)


def _open_array(file: Path, shape: tuple[int, ...], kind: type[np.generic]) -> npt.NDArray[Any]:
    try:
        with open_regular(file):
            pass
        with np.errstate(over="ignore"):  # of absurd shapes, which are refused
            array = np.load(file, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise _not_a_store(file.parent.parent, f"{file} cannot be read, {error.strerror or error}") from error
    except (ValueError, EOFError, OverflowError, MemoryError) as error:
        raise _not_a_store(file.parent.parent, f"{file} is damaged, {error}") from error
    if not isinstance(array, np.ndarray):
        raise _not_a_store(file.parent.parent, f"{file} is no single array")
    if array.shape != shape or array.dtype != kind:
        raise _not_a_store(
            file.parent.parent, f"{file} is {array.dtype} {array.shape}, not {np.dtype(kind)} {shape}"
        )
    mapped: npt.NDArray[Any] = array
    return mapped


def _replaced(path: Path) -> DataError:
    return DataError(f"{path}: was replaced by another prepared store while this one was in use; run again")


def _not_a_store(path: Path, reason: str) -> DataError:
    return DataError(f"{path}: is no complete prepared store ({reason}); run `ccfpse prepare`")
