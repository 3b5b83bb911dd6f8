"""What the settings file says of a command whose options leave it open."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccfpse.config import Settings


def trained_model(settings: "Settings") -> Path:
    """The model that these settings train.

    Raises:
        ModelFileError: it is not there yet.
    """
    from ccfpse.errors import ModelFileError

    path = Path(settings.paths.training) / "model.safetensors"
    if not path.is_file():
        raise ModelFileError(f"{path}: no model is trained yet; run `dvc repro`, or give one with --model")
    return path
