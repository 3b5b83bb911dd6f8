"""The runner itself: it takes other folders of cases, made here from options alone."""

import functools
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ccfpse.layout import make_layout
from ccfpse.models import ConditionalGenerator
from ccfpse.published import generator_from_published, generator_options
from ccfpse.published_names import generator_names

HERE = Path(__file__).resolve().parent

OPTIONS = {
    "ade-like with style": {"label_nc": 6, "dontcare": True, "instance_edges": False, "use_vae": True},
    "no dont-care, six doublings, tall": {
        "label_nc": 3,
        "dontcare": False,
        "instance_edges": True,
        "use_vae": False,
        "n_doublings": 6,
        "crop_size": 64,
        "aspect_ratio": 0.5,
        "ngf": 2,
    },
    "wide with style": {
        "label_nc": 4,
        "dontcare": True,
        "instance_edges": True,
        "use_vae": True,
        "crop_size": 96,
        "aspect_ratio": 1.5,
        "ngf": 3,
    },
}
DEFAULTS = {"ngf": 2, "n_doublings": 5, "crop_size": 64, "aspect_ratio": 1.0}


def run(cases: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", str(HERE / "test_parity.py"), "--cases", str(cases), "-q"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@functools.cache
def checkpoint() -> Any:
    spec = importlib.util.spec_from_file_location("parity_checkpoint", HERE / "cases" / "checkpoint.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_generator_case(folder: Path, options: dict[str, Any], error: float) -> None:
    """A case as this project computes it, ``error`` added to its image."""
    options = DEFAULTS | options
    n_layout = options["label_nc"] + options["dontcare"] + options["instance_edges"]
    size = (round(options["crop_size"] / options["aspect_ratio"]), options["crop_size"])
    keys = published_keys(n_layout, size, options)
    state = checkpoint().build(keys)
    generator = generator_from_published(state, generator_options(state, options["aspect_ratio"], 5))

    random = np.random.default_rng(0)
    label = random.integers(options["label_nc"] + options["dontcare"], size=(1, *size), dtype=np.uint8)
    instance = random.integers(3, size=(1, *size), dtype=np.int32)
    arrays: dict[str, np.ndarray] = {"label": label, "instance": instance}
    if options["use_vae"]:
        arrays["z"] = random.standard_normal((1, 256), dtype=np.float32)
    layout = make_layout(
        torch.from_numpy(label).long(),
        options["label_nc"] + options["dontcare"],
        torch.from_numpy(instance) if options["instance_edges"] else None,
    )
    with torch.no_grad():
        image = generator(layout, torch.from_numpy(arrays["z"]) if options["use_vae"] else None)
    arrays["image_eval"] = image.numpy() + np.float32(error)

    folder.mkdir()
    description = {"kind": "generator", "options": options | {"semantic_nc": n_layout}, "keys": {"G": keys}}
    (folder / "case.json").write_text(json.dumps(description))
    np.savez(folder / "case.npz", **arrays)


def published_keys(n_layout: int, size: tuple[int, int], options: dict[str, Any]) -> dict[str, list[int]]:
    """Entries of a published checkpoint and their shapes; the names depend on the doublings alone."""
    case = "generator-coco-novae" if options["n_doublings"] == 5 else "generator-cityscapes"
    entries = json.loads((HERE / "cases" / case / "case.json").read_text())["keys"]["G"]
    names = generator_names(entries)
    style = {"size": size, "style_dim": 256} if options["use_vae"] else {}
    with torch.device("meta"):
        generator = ConditionalGenerator(
            n_layout, width=options["ngf"], predictor_width=8, n_doublings=options["n_doublings"], **style
        )
    shapes = {name: list(value.shape) for name, value in generator.state_dict().items()}
    return {entry: shapes[names[entry]] if entry in names else entries[entry] for entry in entries}


@pytest.mark.slow
def test_cases_of_other_options_are_found_and_checked(tmp_path: Path) -> None:
    for name, options in OPTIONS.items():
        write_generator_case(tmp_path / name, options, error=0)
    ended = run(tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert f"{1 + len(OPTIONS)} passed" in ended.stdout


@pytest.mark.slow
def test_a_wrong_number_fails_and_an_unknown_kind_is_counted(tmp_path: Path) -> None:
    write_generator_case(tmp_path / "wrong", OPTIONS["ade-like with style"], error=2e-4)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "case.json").write_text('{"kind": "riddle"}')
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "image_eval: off by 2" in ended.stdout
    assert "1 cases skipped, of kinds not known yet: riddle (1)" in ended.stdout


@pytest.mark.slow
def test_no_known_case_at_all_is_a_failure(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "no case of a known kind" in ended.stdout
