"""`ccfpse export`: a generator for other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import errors_as_messages, say, warn

if TYPE_CHECKING:
    from ccfpse.exporting.export import Exported


def export(
    model: Annotated[Path, typer.Argument(help="Model file.")],
    out: Annotated[Path, typer.Argument(help="What to write: NAME.onnx, or NAME.pt2 for torch.export.")],
) -> None:
    """Write the generator as ONNX or torch.export program: class ids in, photos out.

    Example:
        ccfpse export model.safetensors photos.onnx
    """
    with errors_as_messages():
        from ccfpse.exporting.export import TOLERANCE, export_model

        made = export_model(model, out)
        say(
            f"{out}: {made.form}, {made.n_bytes / 1e6:.1f} MB; takes {', '.join(made.inputs)}; {_sizes(made)}"
        )
        if made.difference is None:
            warn(f"{out}: was not compared with the network, since onnxruntime is not installed")
        else:
            image, levels = made.difference.image, made.difference.levels
            say(
                f"compared with the network over another batch: values of [-1, 1] differ by {image:.1e} at "
                f"most (allowed: {TOLERANCE}), photos by {levels} of 255"
            )


def _sizes(made: "Exported") -> str:
    height, width = made.shape.size
    if made.shape.multiple is None:
        return f"any batch of {height}x{width} (height x width)"
    return f"any batch, height and width multiples of {made.shape.multiple}, trained at {height}x{width}"
