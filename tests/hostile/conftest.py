"""What malformed inputs are made of and tried on."""

from pathlib import Path

import pytest

from tests.hostile.bench import Bench, fill_shelf


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything good, made once."""
    folder = tmp_path_factory.mktemp("shelf")
    fill_shelf(folder)
    return folder


@pytest.fixture
def bench(
    shelf: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(b"not yours")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    return Bench(shelf, folder)
