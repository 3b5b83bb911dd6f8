"""Files of any origin, opened so that nothing waits for ever and nothing large is read by surprise."""

import errno
import io
import os
import stat
from pathlib import Path

MOST_PICTURE_BYTES = 2**28
"""No picture needs more."""
MOST_TEXT_BYTES = 2**27
"""Nor does a file of figures or records: the manifest of 118,000 photos has 35 MB."""


class NotRegularError(OSError):
    """A pipe, a device or a socket stands where a file should."""


def open_regular(path: Path) -> io.BufferedReader:
    """Opens a file to read its bytes; links are followed.

    Raises:
        OSError: it cannot be opened, is a folder, or (`NotRegularError`) a pipe, a device or a socket.
    """
    # Opening a pipe that nobody writes to would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise NotRegularError(errno.EINVAL, "not a regular file", str(path))


def read_regular(path: Path, most: int = MOST_PICTURE_BYTES) -> bytes:
    """All bytes of a file.

    Raises:
        OSError: as `open_regular`, or there are more than `most`.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most} bytes", str(path))
    return content


def read_text(path: Path) -> str:
    """All of a text file in UTF-8, of at most `MOST_TEXT_BYTES`.

    Raises:
        OSError: as `read_regular`.
        UnicodeDecodeError: it is no text.
    """
    return read_regular(path, MOST_TEXT_BYTES).decode("utf-8")
