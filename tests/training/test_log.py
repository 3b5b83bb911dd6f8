"""The log of a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from ccfpse.errors import TrainingError
from ccfpse.training.log import Log


def test_a_repository_without_a_commit_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], check=True)
    with pytest.raises(TrainingError, match="commit the project once"):
        Log(tmp_path / "log", 0, tmp_path)
