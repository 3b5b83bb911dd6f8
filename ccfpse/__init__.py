"""Photos from semantic layouts with conditional convolutions (CC-FPSE, arXiv 1910.06809).

    >>> import ccfpse
    >>> model = ccfpse.load("model.safetensors")  # doctest: +SKIP
    >>> photos = model.synthesize(labels)  # doctest: +SKIP

The map of the package; a module imports only from lines above its own:

- `errors`, `files`: one family of errors that users see; files that are whole or absent.
- `config`, `strict`, `preset`: settings, typed and frozen.
- `labelspace`, `classfiles`, `labelimage`: class tables, and label maps read by them.
- `datasets`: raw data sets as samples of photo, label map and instance map.
- `prepared`: the prepared store that training reads.
- `layout`: labels and instances as the network's input.
- `ops`, `models`: the predicted depthwise convolution, and the paper's networks as pure modules.
- `modelfile`, `published`: trained networks in one file; published checkpoints turned into one.
- `losses`, `judge`, `loss_network`: what training minimises, and who looks at the result.
- `segmenters`: the papers' networks, and any other, that read photos into classes.
- `training`: the loop.
- `layoutfit`, `styles`, `model`, `layoutfiles`, `synthesis`: photos from label maps.
- `exporting`, `shrinking`: generators for other programs; smaller model files.
- `evaluation`: scores of synthesized photos against real ones.
- `doctor`: what machine, installation and project have, and what is missing.
- `painting`: a page for painting layouts, and its HTTP endpoints.
- `compare`, `study`, `report`: grids of variants, preferences of people, a page of an evaluation.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ccfpse.model import Model

__all__ = ["load"]


def load(
    path: str | Path, *, device: str = "auto", precision: Literal["float32", "bf16"] = "float32"
) -> "Model":
    """A trained model, ready for `synthesize`.

    Args:
        path: model file.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: `bf16` computes in bfloat16 where that is safe.

    Raises:
        ModelFileError: the file is not a model file of ours, or is damaged.
        SettingsError: the device cannot be used.
    """
    from ccfpse.files import sha256_file
    from ccfpse.model import Model  # imports torch, which takes more than a second
    from ccfpse.modelfile import load_model

    file = load_model(Path(path))  # first: it says what is wrong with a file that cannot be read
    checksum = sha256_file(Path(path))
    return Model(file, name=str(path), sha256=checksum, device=device, precision=precision)
