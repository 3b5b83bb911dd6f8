"""Published checkpoint files become one model file (`ccfpse import`)."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from torch import nn

from ccfpse.classfiles import load_class_table
from ccfpse.errors import ModelFileError
from ccfpse.files import sha256_file
from ccfpse.labelspace import ClassTable
from ccfpse.modelfile import ModelFile, save_model, with_prefix
from ccfpse.models import STYLE_DIM, PatchDiscriminator, StyleEncoder
from ccfpse.outputlock import output_lock
from ccfpse.published import (
    GeneratorOptions,
    State,
    discriminator_from_published,
    encoder_from_published,
    generator_from_published,
    generator_options,
    permute_layout,
)
from ccfpse.sections import ModelSettings
from ccfpse.weightsfile import are_stored, read_weights

SIZES = {"cityscapes": (256, 512), "coco-stuff": (256, 256), "ade20k": (256, 256)}
"""(height, width) that the published networks of each data set were trained at."""
DOUBLINGS = {"cityscapes": 6, "coco-stuff": 5, "ade20k": 5}
"""Of the generators of each data set, from the head's size to the photo's."""


def import_published(
    generator: Path,
    encoder: Path | None,
    discriminator: Path | None,
    dataset: str,
    out: Path,
    *,
    doublings: int | None = None,
) -> ModelFile:
    """Writes a model file with the weights of published checkpoints.

    Args:
        generator: the published ``*_net_G.pth`` of CC-FPSE, SPADE or pix2pixHD (its global generator).
        encoder: ``*_net_E.pth``, which reads the style of a reference photo.
        discriminator: ``*_net_D.pth``, for going on with the training.
        dataset: whose classes the networks know: cityscapes, coco-stuff or ade20k.
        out: model file to write.
        doublings: of a SPADE generator, 5 or 6, which its weights do not tell; None: as the data set's.

    Returns:
        What was written.

    Raises:
        ModelFileError: a file cannot be read, or does not hold such a network for this data set.
        OutputError: ``out`` cannot be written.
    """
    if dataset not in SIZES:
        raise ModelFileError(f"{dataset} has no published networks; there are {', '.join(SIZES)}")
    with output_lock(out):
        model = _imported(generator, encoder, discriminator, dataset, doublings)
        save_model(out, model)
    return model


def _imported(
    generator: Path, encoder: Path | None, discriminator: Path | None, dataset: str, doublings: int | None
) -> ModelFile:
    table, (height, width) = load_class_table(dataset), SIZES[dataset]
    with _naming(generator):
        state = _read(generator)
        options = generator_options(state, width / height, doublings or DOUBLINGS[dataset])
        if doublings is not None and options.kind != "spade":
            raise ModelFileError(f"is a {options.kind} generator, whose weights tell; leave --doublings out")
        has_boundary = _has_boundary(options, table)
        networks: dict[str, nn.Module] = {"generator": generator_from_published(state, options)}
    discriminator_width, is_patchgan = options.width, False  # say nothing where no discriminator is kept
    if encoder is not None:
        with _naming(encoder):
            networks["encoder"] = _matching_encoder(_read(encoder), options)
    if discriminator is not None:
        with _naming(discriminator):
            networks["discriminator"] = made = discriminator_from_published(_read(discriminator))
            discriminator_width, is_patchgan = made.width, isinstance(made, PatchDiscriminator)
            _need_channels(made.n_layout, options)
    channels = _published_channels(table, options.n_layout)
    files = {"generator": generator, "encoder": encoder, "discriminator": discriminator}
    settings = ModelSettings(
        generator=options.kind,
        discriminator="patchgan" if is_patchgan else "fpse",
        width=options.width,
        predictor_width=options.predictor_width or options.width,  # pix2pixHD has none,
        doublings=options.n_doublings or DOUBLINGS[dataset],  # and none of these
        style=options.style_dim is not None,
        discriminator_width=discriminator_width,
        context="pyramid",
        attention=True,
        kernels="depthwise",
        kernel_size=3,
    )
    return ModelFile(
        settings={
            "model": dataclasses.asdict(settings),
            "size": list(options.size or (height, width)),
            "has_boundary": has_boundary,
        },
        class_table=table,
        provenance={
            "imported_from": {
                name: {"file": file.name, "sha256": sha256_file(file)}
                for name, file in files.items()
                if file is not None
            }
        },
        weights={
            entry: tensor
            for name, network in networks.items()
            for entry, tensor in with_prefix(name, permute_layout(network.state_dict(), channels)).items()
        },
    )


def _matching_encoder(state: State, options: GeneratorOptions) -> StyleEncoder:
    encoder = encoder_from_published(state)
    found, need = (encoder.width, encoder.style_dim), (options.width, options.style_dim)
    if found != need:
        raise ModelFileError(
            f"has width {found[0]} and style {found[1]}, but the generator {need[0]} and {need[1]}"
        )
    return encoder


def _need_channels(n_layout: int, options: GeneratorOptions) -> None:
    if n_layout != options.n_layout:
        raise ModelFileError(f"takes layouts of {n_layout} channels, but the generator of {options.n_layout}")


def _has_boundary(options: GeneratorOptions, table: ClassTable) -> bool:
    if options.style_dim not in (None, STYLE_DIM):
        raise ModelFileError(f"has a style of {options.style_dim} numbers; published ones have {STYLE_DIM}")
    extra = options.n_layout - table.n_labels
    if extra not in (0, 1):
        raise ModelFileError(
            f"takes layouts of {options.n_layout} channels; {table.name} has {table.n_labels} labels, "
            "and at most one channel of boundaries; check --dataset"
        )
    return extra == 1


def _published_channels(table: ClassTable, n_layout: int) -> list[int]:
    """For each of our layout's channels, where the published network has it.

    The published ADE20K networks saw the values of the label maps as they are: "other" comes
    first there, last here.
    """
    channels = list(range(n_layout))
    if table.name == "ade20k":
        labels = channels[: table.n_labels]
        channels[: table.n_labels] = [*labels[1:], labels[0]]
    return channels


def _read(path: Path) -> State:
    try:
        state = read_weights(path)
    except ModelFileError as error:
        raise ModelFileError(f"{error}; give a published .pth file") from error
    # Widths are read off the shapes, and networks made of them.
    if not are_stored(state):
        raise ModelFileError("does not hold the weights whose shapes it tells; give a published .pth file")
    return state


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors of the block name the file they are about."""
    try:
        yield
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error
