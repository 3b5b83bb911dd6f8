import ctypes
from pathlib import Path

import pytest

from ccfpse.errors import OutputError
from ccfpse.native import library as library_module
from ccfpse.native import place
from ccfpse.native.build import build
from ccfpse.native.library import Library


def test_the_library_is_built_into_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = build()
    assert path == place.library_path()
    assert [file.name for file in (tmp_path / "ccfpse").iterdir()] == [path.name]
    Library(ctypes.CDLL(str(path)))


def test_another_compiler_flag_or_source_is_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.library_path()
    monkeypatch.setattr(place, "FLAGS", (*place.FLAGS, "-DOTHER"))
    assert place.library_path() != before


def test_no_compiler_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    with pytest.raises(OutputError, match=r"no C\+\+ compiler was found .* works without"):
        build()


def test_a_failing_compiler_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(OutputError, match=r"cannot build the kernels \(.*no-such-flag.*works without"):
        build(flags=("--no-such-flag",))
    assert list((tmp_path / "cache").rglob("*.*")) == []


def test_a_cache_that_is_nowhere_means_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(library_module, "library_path", homeless)
    assert library_module.library.__wrapped__() is None


def test_a_library_that_cannot_be_loaded_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "kernels.so"
    damaged.write_bytes(b"no library")
    monkeypatch.setattr(library_module, "library_path", lambda: damaged)
    with pytest.raises(OSError, match=r"kernels\.so.*build it again with `ccfpse compile`"):
        library_module.library.__wrapped__()
