"""Small disks, full ones."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A file system at `folder`; the test is skipped where this user may mount none."""
    folder.mkdir(exist_ok=True)
    ended = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip(f"no file system can be mounted here: {ended.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def fill(disk: Path, free: int) -> None:
    """Leaves `free` bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(256 * PAGE)):
            pass
    os.truncate(filler, filler.stat().st_size - free)
