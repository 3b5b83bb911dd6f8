"""Files of weights as PyTorch saves them, read without running what is in them."""

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ccfpse.errors import ModelFileError
from ccfpse.opening import open_regular


def read_weights(path: Path, within: str | None = None) -> dict[str, Tensor]:
    """The weights of a file by name.

    Args:
        path: the file.
        within: the key that training checkpoints have them under; looked at where it is there.

    Raises:
        ModelFileError: the file cannot be read, or holds anything else; the sentence does not name it.
    """
    try:
        with open_regular(path):
            pass
    except OSError as error:
        raise ModelFileError(f"cannot be read ({error.strerror})") from error
    try:
        refuse_packed(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on tensors that are refused below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever damaged bytes lead it to
        raise ModelFileError("is no checkpoint that holds weights alone, or is damaged") from error
    if within is not None and isinstance(content, Mapping) and isinstance(content.get(within), Mapping):
        content = content[within]
    if not isinstance(content, Mapping) or not all(_is_weight(t) for t in content.values()):
        raise ModelFileError("does not hold a network's weights by name")
    return {str(name): tensor for name, tensor in content.items()}


def refuse_packed(path: Path) -> None:
    """PyTorch stores weights as they are, and unpacks what is not stored so, however large it becomes.

    Raises:
        ValueError: something in the file is packed.
        OSError: it cannot be read.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
                raise ValueError("packed weights")


def are_stored(weights: Mapping[str, Tensor]) -> bool:
    """Whether all numbers are in the file, instead of a few that are shown as many."""
    return all(t.numel() * t.element_size() <= t.untyped_storage().nbytes() for t in weights.values())


def _is_weight(value: object) -> bool:
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.device.type != "cpu":
        return False
    return not (value.is_quantized or value.is_complex())
