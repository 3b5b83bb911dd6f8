from pathlib import Path

import pytest

from ccfpse.config import Settings, load_settings
from ccfpse.evaluation.inputs import Places
from tests.evaluation.photos import make_places


@pytest.fixture
def settings(params: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a pipeline whose photos are synthesized already: the real ones, upside down."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return load_settings(params)


@pytest.fixture
def places(settings: Settings, store: Path) -> Places:
    return make_places(settings, store, lambda split, i: split.image(i)[::-1].copy())
