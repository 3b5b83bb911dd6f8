"""A prepared store in the making: arrays of their final size, filled in any order, and a journal.

    store/{train,val}/*.npy     becomes the prepared store
    journal.jsonl               one line a finished sample: where it is, its checksum, its photo's size

Rows count as done only if their bytes have the journal's checksum, so neither a killed process nor a
power cut can make unfinished ones pass.
"""

import json
import math
import os
import shutil
import tokenize
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ccfpse.datasets.fitting import Size
from ccfpse.datasets.reading import ReadSample
from ccfpse.errors import OutputError
from ccfpse.placing import flush_all, refuse_strange
from ccfpse.prepared import sample_digest


@dataclass(frozen=True, slots=True)
class Done:
    """A sample that is in its arrays."""

    split: str
    index: int
    sha256: str
    source_size: Size


@dataclass(frozen=True, slots=True)
class Shape:
    """How many samples of which size a split has room for."""

    count: int
    size: Size
    instances: bool

    def arrays(self) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
        """Shape and type of every array, by its file's stem."""
        maps: tuple[int, ...] = (self.count, *self.size)
        arrays: dict[str, tuple[tuple[int, ...], type[np.generic]]] = {
            "images": ((*maps, 3), np.uint8),
            "labels": (maps, np.uint8),
        }
        return arrays | ({"instances": (maps, np.uint16)} if self.instances else {})

    @property
    def n_bytes(self) -> int:
        """Of all arrays."""
        return sum(math.prod(shape) * np.dtype(kind).itemsize for shape, kind in self.arrays().values())


class PartialStore:
    """The folder of a store in the making; made anew where there is none with a journal."""

    def __init__(self, folder: Path, shapes: Mapping[str, Shape]) -> None:
        """Makes the folder, or finds it.

        Raises:
            OutputError: the disk has no room for it, or something strange is there, see `refuse_strange`.
        """
        refuse_strange(folder)
        self.folder = folder
        self.store = folder / "store"
        self._shapes = shapes
        self._journal = folder / "journal.jsonl"
        if not (self._journal.is_file() and self.store.is_dir()):
            self._make()

    def _make(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        need, free = sum(s.n_bytes for s in self._shapes.values()), shutil.disk_usage(self.folder).free
        if need > free:
            self.folder.rmdir()
            raise OutputError(
                f"{self.folder.parent}: the prepared store needs {need / 2**30:.1f} GiB there, "
                f"but {free / 2**30:.1f} GiB are free"
            )
        for split, shape in self._shapes.items():
            (self.store / split).mkdir(parents=True)
            for name, (dimensions, kind) in shape.arrays().items():
                with _new_array(self.store / split / f"{name}.npy", dimensions, kind) as file:
                    file.truncate(file.tell() + math.prod(dimensions) * np.dtype(kind).itemsize)
        flush_all(self.store)
        self._journal.touch()  # last: with it, the arrays are there

    def done(self) -> dict[tuple[str, int], Done]:
        """The finished samples whose bytes are still those of the journal, by split and index."""
        found: dict[tuple[str, int], Done] = {}
        for line in self._journal.read_text("utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                done = Done(**{**entry, "source_size": tuple(entry["source_size"])})
                is_known = type(done.index) is int and 0 <= done.index < self._shapes[done.split].count
            except (ValueError, TypeError, LookupError, RecursionError):  # cut off by a kill, or the power
                continue
            if is_known:
                found[done.split, done.index] = done
        try:
            mapped = {split: self._mapped(split) for split in self._shapes}
        except (OSError, ValueError, EOFError, tokenize.TokenError):  # NumPy raises all of these
            self._make()
            return {}

        def is_whole(done: Done) -> bool:
            images, labels, instances = mapped[done.split]
            row = None if instances is None else instances[done.index]
            return sample_digest(images[done.index], labels[done.index], row) == done.sha256

        return {place: done for place, done in found.items() if is_whole(done)}

    @contextmanager
    def journal(self) -> Iterator[Callable[[Done], None]]:
        """A function that notes a finished sample."""
        with self._journal.open("a", encoding="utf-8") as file:
            file.write("\n")  # ends a line that was cut off

            def note(done: Done) -> None:
                file.write(json.dumps(asdict(done)) + "\n")
                file.flush()

            yield note

    def finished(self, kept: Mapping[str, list[int]]) -> Path:
        """The folder with the rows `kept` of every split, in that order, and no others."""
        if all(kept[split] == list(range(shape.count)) for split, shape in self._shapes.items()):
            return self.store
        copy = self.folder / "kept"
        shutil.rmtree(copy, ignore_errors=True)
        for split, shape in self._shapes.items():
            (copy / split).mkdir(parents=True)
            for name, (dimensions, kind) in shape.arrays().items():
                old = np.load(self.store / split / f"{name}.npy", mmap_mode="r")
                whole = (len(kept[split]), *dimensions[1:])
                with _new_array(copy / split / f"{name}.npy", whole, kind) as file:
                    for index in kept[split]:
                        file.write(np.ascontiguousarray(old[index]).data)
        return copy

    def _mapped(self, split: str) -> tuple[Any, Any, Any]:
        arrays = []
        for name, (dimensions, kind) in self._shapes[split].arrays().items():
            array = np.load(self.store / split / f"{name}.npy", mmap_mode="r")
            if (array.shape, array.dtype) != (dimensions, kind):
                raise ValueError("another array")
            arrays.append(array)
        return arrays[0], arrays[1], arrays[2] if len(arrays) > 2 else None


@contextmanager
def _new_array(path: Path, shape: tuple[int, ...], kind: type[np.generic]) -> Iterator[BinaryIO]:
    """A new .npy file behind its header."""
    descr = np.lib.format.dtype_to_descr(np.dtype(kind))
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        yield file


def write_row(store: Path, split: str, index: int, sample: ReadSample) -> str:
    """Writes a sample to its rows of a store in the making; returns its checksum.

    Written, not mapped: on a full disk a write fails with a message, a mapped page kills the process.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"images": sample.image, "labels": sample.labels}
    if sample.instances is not None:
        arrays["instances"] = sample.instances
    for name, row in arrays.items():
        path = store / split / f"{name}.npy"
        content = np.ascontiguousarray(row).data.cast("B")
        with path.open("r+b") as file:
            start = _header_bytes(file)
            if os.pwrite(file.fileno(), content, start + index * content.nbytes) != content.nbytes:
                raise OutputError(f"{path}: cannot be written (No space left on device)")
    return sample_digest(sample.image, sample.labels, sample.instances)


def _header_bytes(file: BinaryIO) -> int:
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    return int(file.tell())
