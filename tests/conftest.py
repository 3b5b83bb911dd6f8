import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = (
    *("ccfpse", "cli", "pyproject.toml", "README.md", "LICENSE", "NOTICE"),
    *("dvc.yaml", "params.yaml", ".dvcignore", ".gitignore", ".dvc/config", ".dvc/.gitignore"),
)


@pytest.fixture
def samples() -> Path:
    """The folder of real samples of the data sets."""
    folder = os.environ.get("CCFPSE_SAMPLES")
    if not folder:
        pytest.skip("CCFPSE_SAMPLES is not set: no real samples of the data sets here")
    return Path(folder).resolve(strict=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's sources, without what was made from them."""
    copy = tmp_path / "project"
    for part in PROJECT:
        (copy / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / part, copy / part)
    return copy
