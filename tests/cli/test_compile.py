"""`ccfpse compile`, and what other commands say without it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from ccfpse.native import build
from ccfpse_cli.main import app
from tests.cli.examples import examples


def ccfpse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.usefixtures("compiler")
def test_the_kernels_are_built_once_for_all_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (example,) = examples("compile")  # of its help
    ended = ccfpse(*example)
    assert ended.exit_code == 0, ended.output
    (built,) = tmp_path.rglob("*.so")
    assert ended.stdout.startswith(str(built))


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "none"))
    ended = ccfpse("compile")
    assert ended.exit_code == 2
    assert "no C++ compiler was found" in ended.stderr


@pytest.mark.parametrize(("device", "is_said"), [("cpu", True), ("cuda", False)])
@pytest.mark.usefixtures("compiler")
def test_work_on_the_cpu_is_advised_to_build_them(monkeypatch, device: str, is_said: bool) -> None:
    monkeypatch.setattr(build, "library", lambda: None)
    assert (build.advice(device) is not None) is is_said


@pytest.mark.usefixtures("compiler")
def test_synthesize_says_what_would_make_it_faster(
    tmp_path: Path, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(np.full((32, 64), 10, np.uint8)).save(tmp_path / "labels.png")
    options = ("--model", make_model(), "--device", "cpu", "--overwrite")
    for library, is_said in ((None, True), (object(), False)):
        monkeypatch.setattr(build, "library", lambda library=library: library)
        ended = ccfpse("synthesize", tmp_path / "labels.png", tmp_path / "out", *options)
        assert ended.exit_code == 0, ended.output
        assert ("ccfpse compile" in ended.stderr) is is_said
