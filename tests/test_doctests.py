"""Examples in docstrings and in docs/, run in a folder with a tiny model, a layout and a photo."""

import doctest
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ccfpse
from ccfpse.labelspace import ClassTable, LabelClass

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for file in (ROOT / "ccfpse").rglob("*.py")
    if ">>> " in file.read_text("utf-8")
)
PAGES = sorted(file for file in (ROOT / "docs").glob("*.md") if ">>> " in file.read_text("utf-8"))


@pytest.fixture
def names(tmp_path: Path, make_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What examples may use without saying so; the working folder has the files that they name."""
    classes = (("road", 7, (128, 64, 128)), ("sky", 23, (70, 130, 180)), ("car", 26, (0, 0, 142)))
    table = ClassTable(
        name="streets",
        classes=tuple(
            LabelClass(name, color, raw, has_instances=raw == 26, evaluated=True)
            for name, raw, color in classes
        ),
        has_dont_care=True,
        dont_care_raw=(255,),
        dont_care_colors=((0, 0, 0),),
    )
    make_model(classes=table, style=True)
    monkeypatch.chdir(tmp_path)
    values = np.full((32, 64), 23, np.uint8)
    values[16:] = 7
    values[12:20, 20:30] = 26
    Image.fromarray(values).save("layout.png")
    for name in ("dusk", "noon"):
        pixels = np.random.default_rng(len(name)).integers(0, 256, (40, 60, 3), np.uint8)
        Image.fromarray(pixels).save(f"{name}.jpg")
    model = ccfpse.load("model.safetensors", device="cpu")
    return {"ccfpse": ccfpse, "Image": Image, "np": np, "model": model}


def run(test: doctest.DocTest) -> None:
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test, out=told.append)
    assert runner.tries
    assert not runner.failures, "".join(told)


@pytest.mark.parametrize("module", MODULES)
def test_examples_of_docstrings_are_true(module: str, names: dict[str, Any]) -> None:
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module), extraglobs=names)
    examples = [test for test in tests if test.examples]
    assert examples
    for test in examples:
        run(test)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_pages_are_true(page: Path, names: dict[str, Any]) -> None:
    text = re.sub(r"(?m)^```.*$", "", page.read_text("utf-8"))
    run(doctest.DocTestParser().get_doctest(text, dict(names), page.name, str(page), 0))


def test_there_are_examples_to_run() -> None:
    assert {"ccfpse", "ccfpse.model", "ccfpse.styles", "ccfpse.labelspace"} <= set(MODULES)
    assert {"python.md"} <= {page.name for page in PAGES}
