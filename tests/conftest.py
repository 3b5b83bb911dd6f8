import os
from pathlib import Path

import pytest


@pytest.fixture
def samples() -> Path:
    """The folder of real samples of the data sets."""
    folder = os.environ.get("CCFPSE_SAMPLES")
    if not folder:
        pytest.skip("CCFPSE_SAMPLES is not set: no real samples of the data sets here")
    return Path(folder).resolve(strict=True)
