"""What a model file holds, and its header: JSON that describes the networks."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from ccfpse.errors import DataError, ModelFileError, SettingsError
from ccfpse.labelspace import ClassTable
from ccfpse.models import STYLE_DIM
from ccfpse.sections import CCFPSE_SWITCHES, ModelSettings, need
from ccfpse.strict import build, shown

USUAL_FORMAT = 2
PACKED_FORMAT = 3
"""Of files with weights of 8 bits alone, so that older readers go on reading the others."""
HEADER = "ccfpse"
_ADDED_IN_2 = {"generator": "ccfpse", "discriminator": "fpse", **CCFPSE_SWITCHES}
"""Settings of the model that files of format 1 do not have, and what their networks are."""
_LONGEST_SIDE = 2**14


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """What a model file holds."""

    settings: dict[str, Any]
    """``model``: the section of that name; ``size``: [height, width] it was trained at;
    ``has_boundary``: whether the layout's last channel is that of instance boundaries."""
    class_table: ClassTable
    provenance: dict[str, Any]
    """How the model was made, for people; nothing is decided by it."""
    weights: dict[str, Tensor]
    """Always those of the generator; those of encoder and discriminator where they were kept."""

    @property
    def model(self) -> ModelSettings:
        """The networks' settings."""
        return build(ModelSettings, self.settings["model"], "model")

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels; with style, the only size."""
        height, width = self.settings["size"]
        return height, width

    @property
    def has_boundary(self) -> bool:
        """Whether layouts have a channel of instance boundaries."""
        return bool(self.settings["has_boundary"])

    @property
    def n_layout(self) -> int:
        """K: channels of the layout."""
        return self.class_table.n_labels + self.has_boundary

    @property
    def style_dim(self) -> int | None:
        """Length of style vectors; None for a model without style."""
        return STYLE_DIM if self.model.style else None

    def has(self, network: str) -> bool:
        """Whether weights of ``generator``, ``encoder`` or ``discriminator`` are there."""
        return any(name.startswith(f"{network}.") for name in self.weights)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What a model file says of its networks beside the section `model`."""

    size: tuple[int, int]
    has_boundary: bool

    def __post_init__(self) -> None:
        need(
            all(16 <= side <= _LONGEST_SIDE for side in self.size),
            f"size is {list(self.size)}; sides are 16 to {_LONGEST_SIDE} pixels",
        )


def header(model: ModelFile, version: int) -> str:
    """The text that describes a model."""
    content = {
        "format": version,
        "settings": model.settings,
        "classes": model.class_table.to_dict(),
        "provenance": model.provenance,
    }
    return json.dumps(content, allow_nan=False)


def described(path: Path, text: str, weights: dict[str, Tensor]) -> ModelFile:
    """The model file that a header's text tells of.

    Raises:
        ModelFileError: the text is damaged, or of a newer format.
    """
    try:
        header = json.loads(text)
        version = header["format"]
        if type(version) is not int:
            raise TypeError(f"format is {version!r}")
        if version > PACKED_FORMAT:
            raise ModelFileError(
                f"{path}: has format {shown(version)}, this ccfpse reads up to "
                f"{PACKED_FORMAT}; install a newer one"
            )
        settings = dict(header["settings"])
        if version < 2:
            settings["model"] = {**_ADDED_IN_2, **settings["model"]}
        build(ModelSettings, settings["model"], "model")
        frame = {key: settings[key] for key in ("size", "has_boundary")}
        build(_Frame, frame)
        return ModelFile(
            settings=settings,
            class_table=ClassTable.from_dict(header["classes"]),
            provenance=dict(header["provenance"]),
            weights=weights,
        )
    except (KeyError, TypeError, ValueError, RecursionError, SettingsError, DataError) as error:
        reason = str(error) if isinstance(error, SettingsError | DataError) else repr(error)
        raise ModelFileError(
            f"{path}: the model's description is damaged ({reason[:300]}); make the file again"
        ) from error
