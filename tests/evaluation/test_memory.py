import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation import growth


@pytest.mark.slow
def test_memory_does_not_grow_with_the_photos(tmp_path: Path) -> None:
    peaks = [
        float(
            subprocess.run(
                [sys.executable, growth.__file__, str(tmp_path / str(n)), str(n)],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        for n in (200, 1000)
    ]
    assert peaks[1] - peaks[0] < 20, f"{peaks} MB for 200 and for 1,000 photos"
