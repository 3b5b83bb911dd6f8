import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccfpse.labelspace import ClassTable, LabelClass

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

    def make(
        name: str = "model.safetensors",
        style: bool = False,
        size: tuple[int, int] = (32, 64),
        boundary: bool = True,
        classes: ClassTable = table,
        encoder: bool = True,
    ) -> Path:
        import torch

        from ccfpse.config import ModelSettings, plain
        from ccfpse.modelfile import ModelFile, make_encoder, make_generator, save_model, with_prefix

        torch.manual_seed(0)
        settings = ModelSettings(width=2, predictor_width=4, doublings=5, style=style, discriminator_width=2)
        weights = with_prefix(
            "generator", make_generator(settings, classes.n_labels + boundary, size).state_dict()
        )
        if style and encoder:
            weights |= with_prefix("encoder", make_encoder(settings).state_dict())
        # Photos of untrained networks are nearly grey; these shall differ.
        weights["generator.to_rgb.weight"] *= 20
        described: dict[str, Any] = {"model": plain(settings), "size": list(size), "has_boundary": boundary}
        path = tmp_path / name
        save_model(path, ModelFile(settings=described, class_table=classes, provenance={}, weights=weights))
        return path

    return make


@pytest.fixture
def store(tmp_path: Path, table: ClassTable) -> Path:
    """A prepared store of four tiny random photos, two of them for validation, with instance maps."""
    import numpy as np
    import yaml
    from PIL import Image

    from ccfpse.config import CustomData, CustomFolders, DataSettings
    from ccfpse.preparing.store import prepare

    raw, rng = tmp_path / "raw", np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("town/a", "town/b"):
            blocks = rng.integers(0, 3, (4, 8)).repeat(8, 0).repeat(8, 1)
            for kind, pixels in (
                ("images", rng.integers(0, 256, (32, 64, 3))),
                ("labels", 10 * (blocks + 1)),
                ("instances", blocks),
            ):
                path = raw / split / kind / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels.astype(np.uint8)).save(path)
    entries = [{"name": c.name, "id": c.raw, "color": list(c.color)} for c in table.classes]
    entries.append({"name": "void", "id": 255, "ignore": True})
    (raw / "classes.yaml").write_text(yaml.safe_dump(entries))
    folders = {
        split: CustomFolders(
            images=f"{split}/images", labels=f"{split}/labels", instances=f"{split}/instances"
        )
        for split in ("train", "val")
    }
    data = DataSettings(
        dataset="custom",
        source=str(raw),
        size=(32, 64),
        load_size=(32, 64),
        fit="stretch",
        flip=True,
        instances=True,
        sample=None,
        custom=CustomData(
            classes="classes.yaml",
            coding="auto",
            train=folders["train"],
            val=folders["val"],
            validation_share=0.1,
        ),
    )
    prepare(data, tmp_path / "store", skip_bad=False, workers=0)
    return tmp_path / "store"
