import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation import growth


def run(*arguments: str | Path, home: Path) -> str:
    """A process of its own, which begins with nothing."""
    return subprocess.run(
        [sys.executable, "-m", growth.__name__, *map(str, arguments)],
        cwd=Path(__file__).parents[2],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_CACHE_HOME": str(home), "TORCH_HOME": str(home)},
    ).stdout


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_does_not_grow_with_the_photos(tmp_path: Path) -> None:
    peaks = []
    for n in (100, 900):
        folder = tmp_path / str(n)
        growth.make(folder, n, 128)
        peaks.append(float(run("peak", folder, home=tmp_path)))
    # The added photos alone would be 40 MB; one run differs from the next by up to 10.
    assert peaks[1] - peaks[0] < 20, f"{peaks} MB for 100 and for 900 photos"
