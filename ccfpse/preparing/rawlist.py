"""What raw data there is: names, sizes and times of the files, instead of hashing 60 GB of them.

DVC's stage `scan` writes it as a file, so that `prepare` runs again when a raw file changes; the store's
writer uses it to tell whether work it finds was made of the same files.
"""

from pathlib import Path
from typing import Any

from ccfpse.config import plain
from ccfpse.datasets import raw_files
from ccfpse.datasets.sample.write import renderer
from ccfpse.errors import DataError
from ccfpse.files import write_json
from ccfpse.outputlock import output_lock
from ccfpse.sections import DataSettings


def raw_list(data: DataSettings) -> dict[str, Any]:
    """The raw data of a data set: `files`, each [name, bytes, modification time in ns], sorted by name.

    The embedded scenes are drawn by `prepare`: here are their settings and the renderer's name.

    Raises:
        DataError: there is no such source, or a file of it cannot be looked at.
    """
    if data.sample is not None:
        return {"dataset": data.dataset, "renderer": renderer(), "scenes": plain(data.sample)}
    found = sorted(raw_files(data).items())
    if not found:
        raise DataError(f"{data.source}: holds no pictures and no archives; see data.source or --source")
    return {"dataset": data.dataset, "files": [_entry(name, path) for name, path in found]}


def write_raw_list(data: DataSettings, path: Path) -> int:
    """Writes `raw_list` as JSON; returns the number of files in it."""
    with output_lock(path):
        content = raw_list(data)
        write_json(path, content)
    return len(content.get("files", ()))


def _entry(name: str, path: Path) -> list[Any]:
    shown = name.encode("utf-8", "backslashreplace").decode()
    try:
        found = path.stat()
    except OSError:  # a dangling link: reading it says what is wrong, when it is needed
        return [shown, None, None]
    return [shown, found.st_size, found.st_mtime_ns]
