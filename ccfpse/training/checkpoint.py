"""Checkpoints: everything that a step changes, in one file that shows any damage."""

import hashlib
import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from errno import EDQUOT, ENOSPC
from pathlib import Path
from shutil import disk_usage
from types import TracebackType
from typing import Any, BinaryIO, Self

import torch
from torch import Tensor

from ccfpse.errors import ModelFileError, OutputError
from ccfpse.files import replacing
from ccfpse.opening import open_regular
from ccfpse.weightsfile import refuse_packed

FORMAT = 3
_DIGEST_BYTES = hashlib.sha256().digest_size
_READ_BYTES = 2**20
_NAME = re.compile(r"step-(\d{1,18})\.pt", re.ASCII)


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, newest first."""
    return sorted((path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)), reverse=True)


def step_of(checkpoint: Path) -> int:
    """The number of steps done before it was written."""
    return int(checkpoint.stem.removeprefix("step-"))


def write_checkpoint(folder: Path, step: int, state: Mapping[str, Any]) -> Path:
    """Writes the state after `step` steps as `torch.save` does, and behind it the SHA-256 of its bytes.

    Raises:
        OutputError: it cannot be written; what is in the folder stays as it is.
    """
    path = folder / f"step-{step:09d}.pt"
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            hashed = _Hashed(file)
            try:
                torch.save({"format": FORMAT, "step": step, **state}, hashed)  # type: ignore[arg-type]
            except RuntimeError as error:
                raise hashed.refused or error from None  # torch reports a full disk as an error of its own
            file.write(hashed.digest.digest())
    except OutputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in (ENOSPC, EDQUOT):
            raise OutputError(_no_space(folder, step, n_bytes(state))) from error
        raise
    return path


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state that `write_checkpoint` wrote, on the CPU. No code out of the file is run.

    Raises:
        ModelFileError: it is damaged, or of another format.
    """
    try:
        if not _is_whole(path):
            raise ModelFileError(f"{path}: damaged checkpoint (its bytes are not those that were written)")
        refuse_packed(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelFileError(f"{path}: checkpoint cannot be read ({error.strerror})") from error
    except ModelFileError:
        raise
    except Exception as error:  # torch.load raises errors of many kinds for files of many kinds
        raise ModelFileError(f"{path}: damaged checkpoint ({type(error).__name__})") from error
    found = state.get("format") if isinstance(state, dict) else None
    if found != FORMAT:
        raise ModelFileError(f"{path}: checkpoint of another format ({found}, not {FORMAT})")
    whole: dict[str, Any] = state
    return whole


class Saver:
    """Writes checkpoints in a thread, so that training waits only for a copy in memory."""

    def __init__(self, folder: Path, keep: int) -> None:
        """Of the checkpoints in `folder` the newest `keep` are kept."""
        self.folder, self.keep = folder, keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for what is being written; says what went wrong with it unless something else did."""
        try:
            if kind is None:
                self.finish()
        finally:
            self._thread.shutdown(wait=True)

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Copies the state after `step` steps and begins to write it, once the one before is written.

        Raises:
            OutputError: the checkpoint before this one could not be written.
        """
        self.finish()
        self._writing = self._thread.submit(self._write, step, _copied(state))

    def check(self) -> None:
        """Raises what went wrong with the last checkpoint, if it is done."""
        if self._writing is not None and self._writing.done():
            self.finish()

    def finish(self) -> None:
        """Waits until the last checkpoint is written, and raises what went wrong."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _write(self, step: int, state: Mapping[str, Any]) -> None:
        write_checkpoint(self.folder, step, state)
        remove_all_but(self.folder, self.keep)


def remove_all_but(folder: Path, keep: int) -> None:
    """Removes all checkpoints but the newest `keep`."""
    for old in checkpoints(folder)[keep:]:
        old.unlink()


def n_bytes(state: object) -> int:
    """Of all tensors in nested containers; about the size of their checkpoint."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        return sum(map(n_bytes, state.values()))
    return sum(map(n_bytes, state)) if isinstance(state, list | tuple) else 0


def _copied(state: Any) -> Any:
    """The same nested containers with copies of their tensors, on the CPU."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, Mapping):
        return {key: _copied(value) for key, value in state.items()}
    return [_copied(value) for value in state] if isinstance(state, list | tuple) else state


def _no_space(folder: Path, step: int, needed: int) -> str:
    last = next(iter(checkpoints(folder)), None)
    kept = "there is no earlier one" if last is None else f"{last.name} is kept"
    need, free = needed / 2**30, disk_usage(folder).free / 2**30
    return (
        f"{folder}: the checkpoint after step {step} needs {need:.3f} GiB, but {free:.3f} GiB are free there "
        f"({kept}); make room, and the same command goes on"
    )


def _is_whole(path: Path) -> bool:
    digest = hashlib.sha256()
    with open_regular(path) as file:
        left = path.stat().st_size - _DIGEST_BYTES
        while left > 0 and (content := file.read(min(left, _READ_BYTES))):
            digest.update(content)
            left -= len(content)
        return digest.digest() == file.read()


class _Hashed:
    """A file to write to that computes the checksum of what is written, and remembers what was refused."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest = file, hashlib.sha256()
        self.refused: OSError | None = None

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        try:
            return self.file.write(content)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        self.file.flush()
