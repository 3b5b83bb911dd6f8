"""Model files with the narrowest networks there are, and random weights."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import torch

from ccfpse.config import plain
from ccfpse.labelspace import ClassTable
from ccfpse.modelfile import ModelFile, make_encoder, make_generator, save_model, with_prefix
from ccfpse.sections import CCFPSE_SWITCHES, ModelSettings


def model_settings(**changes: Any) -> ModelSettings:
    """Of networks so narrow that they run in no time."""
    tiny = {"width": 2, "predictor_width": 4, "doublings": 5, "style": False, "discriminator_width": 2}
    return ModelSettings(
        **{"generator": "ccfpse", "discriminator": "fpse", **tiny, **CCFPSE_SWITCHES, **changes}
    )


@functools.cache
def model_file(
    classes: ClassTable,
    style: bool = False,
    size: tuple[int, int] = (32, 64),
    boundary: bool = True,
    encoder: bool = True,
) -> bytes:
    """The content of a model file."""
    torch.manual_seed(0)
    settings = model_settings(style=style)
    generator = make_generator(settings, classes.n_labels + boundary, size)
    weights = with_prefix("generator", generator.state_dict())
    if style and encoder:
        weights |= with_prefix("encoder", make_encoder(settings).state_dict())
    weights["generator.to_rgb.weight"] *= 20  # or all photos of an untrained network are nearly grey
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        save(path, settings, classes, weights, size, boundary)
        return path.read_bytes()


def save(
    path: Path,
    settings: ModelSettings,
    classes: ClassTable,
    weights: dict[str, torch.Tensor],
    size: tuple[int, int],
    boundary: bool,
) -> None:
    """Writes a model file of these networks."""
    described = {"model": plain(settings), "size": list(size), "has_boundary": boundary}
    save_model(path, ModelFile(settings=described, class_table=classes, provenance={}, weights=weights))
