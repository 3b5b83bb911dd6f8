"""The most memory that this process has had since it was told to forget (Linux).

Not `ru_maxrss`: that is never forgotten, and begins with that of the process that started this one.
"""

import re
from pathlib import Path


def forget_peak() -> None:
    """From here on the peak is that of what comes."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def peak() -> float:
    """In MiB."""
    (kib,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kib) / 1024
