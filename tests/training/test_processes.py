import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

_CHILD = """
import sys, time
from ccfpse.training.parent import end_with_parent
end_with_parent(interval_seconds=0.1)
print("up", flush=True)
time.sleep(600)
"""
_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_trainer_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, _CHILD], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert _is_alive(child)
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not _is_alive(child):
            return
        time.sleep(0.05)
    os.kill(child, 9)
    raise AssertionError("the child lives on")
