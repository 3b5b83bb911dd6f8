"""Files of weights as PyTorch saves them, read without running what is in them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ccfpse.errors import ModelFileError


def read_weights(path: Path, within: str | None = None) -> dict[str, Tensor]:
    """The weights of a file by name.

    Args:
        path: the file.
        within: the key that training checkpoints have them under; looked at where it is there.

    Raises:
        ModelFileError: the file cannot be read, or holds anything else; the sentence does not name it.
    """
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ModelFileError(f"cannot be read ({error.strerror})") from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever damaged bytes lead it to
        raise ModelFileError("is no checkpoint that holds weights alone, or is damaged") from error
    if within is not None and isinstance(content, Mapping) and isinstance(content.get(within), Mapping):
        content = content[within]
    if not isinstance(content, Mapping) or not all(isinstance(t, Tensor) for t in content.values()):
        raise ModelFileError("does not hold a network's weights by name")
    return {str(name): tensor for name, tensor in content.items()}
