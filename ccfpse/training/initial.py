"""Starting from a model file instead of from nothing: classes are matched by name."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from ccfpse.config import Settings
from ccfpse.errors import ModelFileError
from ccfpse.labelspace import ClassTable
from ccfpse.layoutweights import sees_layout
from ccfpse.modelfile import ModelFile, load_model
from ccfpse.models import refresh_spectral_norms
from ccfpse.sections import ModelSettings
from ccfpse.training.networks import Untrained

_BOUNDARY = "object boundaries"  # the layout's last channel, matched like a class


def start_from(path: Path, networks: Untrained, class_table: ClassTable, settings: Settings) -> str:
    """Loads a model file's weights into new networks, in place.

    Weights that read the layout are taken class by class: what the file knows by name is carried
    over, other classes keep their random start. The linear start of a generator with style
    depends on the size and is carried over only where sizes agree.

    Returns:
        One sentence that says what was carried over.

    Raises:
        ModelFileError: the file cannot be read, or its networks have other widths.
    """
    model = load_model(path)
    _check(path, model, settings)
    ours = _channel_names(class_table, settings.data.instances)
    theirs = _channel_names(model.class_table, model.has_boundary)
    source = [theirs.index(name) if name in theirs else None for name in ours]
    left: list[str] = []
    carried = [name for name in networks.named() if model.has(name)]
    for name in carried:
        network = networks.named()[name]
        state = network.state_dict()
        for entry, tensor in state.items():
            old = model.weights[f"{name}.{entry}"]
            if sees_layout(entry, tensor):
                _take_channels(tensor, old, source, len(theirs))
            elif tensor.shape == old.shape:
                tensor.copy_(old)
            elif not _is_singular_vector(entry):  # those follow from the weights, below
                left.append(f"{name}.{entry}")
        refresh_spectral_norms(network)
    known = sum(place is not None for place in source)
    kept = f"; not carried over: {', '.join(left)}" if left else ""
    return f"starting from {path}: {', '.join(carried)}, {known} of {len(ours)} layout channels by name{kept}"


def _channel_names(table: ClassTable, has_boundary: bool) -> list[str]:
    return [name.casefold() for name in table.names] + ([_BOUNDARY] if has_boundary else [])


def _check(path: Path, model: ModelFile, settings: Settings) -> None:
    of_discriminator = ("discriminator", "discriminator_width")
    for field in dataclasses.fields(ModelSettings):
        if field.name in of_discriminator and not model.has("discriminator"):
            continue
        if settings.model.generator == "pix2pixhd" and field.name in ("predictor_width", "doublings"):
            continue  # it has neither
        theirs, ours = getattr(model.model, field.name), getattr(settings.model, field.name)
        if theirs != ours:
            raise ModelFileError(
                f"{path}: has {field.name} {theirs}, but model.{field.name} is {ours}; "
                "make them equal to start from this file"
            )


def _take_channels(into: Tensor, old: Tensor, source: Sequence[int | None], n_old: int) -> None:
    """Input channels of a convolution: those of the layout by `source`, features behind them as they are."""
    for channel, place in enumerate(source):
        if place is not None:
            into[:, channel] = old[:, place]
    into[:, len(source) :] = old[:, n_old:]


def _is_singular_vector(entry: str) -> bool:
    return entry.endswith((".u", ".v"))
