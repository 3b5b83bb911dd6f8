"""`ccfpse import`: a model file from published checkpoints."""

from pathlib import Path
from typing import Annotated

import typer

from .completion import complete_published
from .console import errors_as_messages, say


def import_(
    generator: Annotated[Path, typer.Option(help="Published generator, such as 200_net_G.pth.")],
    dataset: Annotated[
        str, typer.Option(help="cityscapes, coco-stuff or ade20k.", autocompletion=complete_published)
    ],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    encoder: Annotated[Path | None, typer.Option(help="Published style encoder (*_net_E.pth).")] = None,
    discriminator: Annotated[Path | None, typer.Option(help="Published discriminator (*_net_D.pth).")] = None,
    doublings: Annotated[
        int | None,
        typer.Option(
            min=5,
            max=6,
            help="Of a SPADE generator trained otherwise than the data set's usual ones.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Turn published checkpoints of CC-FPSE, SPADE or pix2pixHD into a model file.

    Example:
        ccfpse import --generator 200_net_G.pth --dataset ade20k --out ade.safetensors
    """
    with errors_as_messages():
        from ccfpse.published_import import import_published

        model = import_published(generator, encoder, discriminator, dataset, out, doublings=doublings)
        height, width = model.size
        say(f"wrote {out}: {dataset}, {height}x{width} (height x width), {len(model.weights)} weights")
