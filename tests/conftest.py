import os

# One thread for this process and those it starts: more would spin against each other for the same cores.
# Before anything imports torch, which looks at it once.
os.environ["OMP_NUM_THREADS"] = "1"

import contextlib
import ctypes
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.native.build import build, find_compiler
from ccfpse.native.library import Library
from tests.study.photos import Folders, make_folders

# What a shell starts with `&` ignores Ctrl-C, and so would the commands that tests interrupt.
with contextlib.suppress(ValueError):  # not the main thread
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]
PROJECT = (
    *("ccfpse", "cli", "pyproject.toml", "README.md", "LICENSE", "NOTICE"),
    *("dvc.yaml", "compare", "params.yaml", ".dvcignore", ".gitignore", ".dvc/config", ".dvc/.gitignore"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="tests/soak at full length, with a table of figures")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked `soak` unless asked for; a skip would look like something that is missing."""
    if config.getoption("--soak"):
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


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


@pytest.fixture
def table() -> ClassTable:
    """Three classes, whose values in label maps are not their ids, and don't care."""
    return ClassTable(
        name="toy",
        classes=tuple(
            LabelClass(f"class {i}", (50 * i, 100, 200), 10 * (i + 1), has_instances=i == 0, evaluated=True)
            for i in range(3)
        ),
        has_dont_care=True,
        dont_care_raw=(255,),
        dont_care_colors=((0, 0, 0),),
    )


@pytest.fixture
def make_model(tmp_path: Path, table: ClassTable) -> Callable[..., Path]:
    """Writes a model file with tiny random networks; keywords change it."""

    def make(name: str = "model.safetensors", classes: ClassTable = table, **changes: Any) -> Path:
        from tests.tiny import model_file

        path = tmp_path / name
        path.write_bytes(model_file(classes, **changes))
        return path

    return make


@pytest.fixture
def raw(tmp_path: Path, table: ClassTable) -> Path:
    """Raw data of one's own: two tiny random photos for training and two for validation."""
    import numpy as np
    import yaml
    from PIL import Image

    folder, rng = tmp_path / "raw", np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("town/a", "town/b"):
            blocks = rng.integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1)
            for kind, pixels in (
                ("images", rng.integers(0, 256, (32, 64, 3))),
                ("labels", 10 * (blocks + 1)),
                ("instances", blocks),
            ):
                path = folder / split / kind / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(path)
    entries = [{"name": c.name, "id": c.raw, "color": list(c.color)} for c in table.classes]
    entries.append({"name": "void", "id": 255, "ignore": True})
    (folder / "classes.yaml").write_text(yaml.safe_dump(entries))
    return folder


@pytest.fixture
def params(tmp_path: Path, raw: Path) -> Path:
    """A settings file for `raw` and tiny networks; everything it names lies in `tmp_path`."""
    import yaml

    from ccfpse.config import preset_text

    settings = yaml.safe_load(preset_text("custom"))
    kinds = ("images", "labels", "instances")
    splits = {split: {kind: f"{split}/{kind}" for kind in kinds} for split in ("train", "val")}
    settings["data"] |= {"source": str(raw), "size": [32, 64], "load_size": [32, 64], "instances": True}
    settings["data"]["custom"] |= splits
    settings["model"] |= {"width": 2, "predictor_width": 4, "discriminator_width": 2}
    settings["train"] |= {"steps": 2, "decay_start": 1, "batch": 2}
    settings["judge"] |= {"enlarge": 1, "steps": 2, "batch": 2}
    settings["loss_network"]["small"] |= {"width": 2, "steps": 2, "batch": 2}
    settings["paths"] = {name: str(tmp_path / name) for name in settings["paths"]}
    settings["runtime"] |= {"device": "cpu", "workers": 0}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "params.yaml"


@pytest.fixture
def store(params: Path) -> Path:
    """The prepared store of `raw`."""
    from ccfpse.config import load_settings
    from ccfpse.preparing.store import prepare

    settings = load_settings(params)
    prepare(settings.data, Path(settings.paths.prepared), skip_bad=False, workers=0)
    return Path(settings.paths.prepared)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every input that a command may want, all of them good; made once."""
    from tests.hostile.bench import fill_shelf

    folder = tmp_path_factory.mktemp("shelf")
    fill_shelf(folder)
    return folder


@pytest.fixture
def bench(
    shelf: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The `tests.hostile.bench.Bench` of an empty folder, which is the working folder."""
    from tests.hostile.bench import Bench

    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "outside.png").write_bytes(b"not yours")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    return Bench(shelf, folder)


@pytest.fixture(scope="session")
def compiler() -> str:
    """A C++ compiler of this machine."""
    found = find_compiler()
    if found is None:
        pytest.skip("no C++ compiler here")
    return found


@pytest.fixture(scope="session")
def compiled(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The compiled kernels, whether or not this machine's cache has them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return Library(ctypes.CDLL(str(build())))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """Debian's Chromium without a screen, driven by Selenium; downloads go to ``tmp_path / "downloads"``."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    switches = (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-quic",
        "no-first-run",
    )
    quiet = ("disable-background-networking", "disable-component-update", "disable-sync")
    for switch in (*switches, *quiet, f"user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(f"--{switch}")
    options.add_experimental_option(
        "prefs",
        {"download.default_directory": str(tmp_path / "downloads"), "download.prompt_for_download": False},
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Two models' photos and their layouts, for a study."""
    return make_folders(tmp_path)
