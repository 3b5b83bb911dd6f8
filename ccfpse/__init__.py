"""Photos from semantic layouts with conditional convolutions (CC-FPSE, arXiv 1910.06809).

    >>> import ccfpse
    >>> from PIL import Image
    >>> model = ccfpse.load("model.safetensors")
    >>> photo = model.synthesize(Image.open("layout.png"))
    >>> photo.save("photo.png")

The map of the package; a module imports only from lines above its own:

- `errors`, `files`: one family of errors that users see; files that are whole or absent.
- `placing`, `outputlock`, `cleaning`: how outputs take their place, one command at a time, and what lies
  beside them.
- `config`, `strict`, `preset`: settings, typed and frozen.
- `notebook`, `labelspace`, `classfiles`, `labelimage`: class tables, and label maps read by them.
- `datasets`: raw data sets as samples of photo, label map and instance map.
- `preparing`, `prepared`: the prepared store that training reads.
- `layout`: labels and instances as the network's input.
- `native`, `ops`, `models`: compiled kernels, the predicted depthwise convolution, and the paper's networks
  as pure modules.
- `modelfile`, `published`: trained networks in one file; published checkpoints turned into one.
- `losses`, `judge`, `loss_network`: what training minimises, and who looks at the result.
- `segmenters`: the papers' networks, and any other, that read photos into classes.
- `training`: the loop.
- `layoutfit`, `styles`, `recipe`, `trained`, `model`, `layoutfiles`, `styleoptions`: label maps, styles and
  a model, in memory and in files.
- `synthesisplan`, `synthesis`, `remaking`: photos of label maps, and the same ones again.
- `exporting`, `shrinking`: generators for other programs; smaller model files.
- `evaluation`: scores of synthesized photos against real ones.
- `projects`: a project from folders of photos and label maps.
- `doctor`: what machine, installation and project have, and what is missing.
- `painting`: a page for painting layouts, and its HTTP endpoints.
- `stylegrid`, `compare`, `study`, `report`: pictures of styles, grids of variants, preferences of people, a
  page of an evaluation.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ccfpse.model import Model

__all__ = ["load"]


def load(
    path: str | Path, *, device: str = "auto", precision: Literal["float32", "bf16"] = "float32"
) -> "Model":
    """A trained model, ready for `synthesize`; a notebook shows it as a table.

    >>> ccfpse.load("model.safetensors", device="cpu")
    <Model model.safetensors: ccfpse of width 2, 32x64, styles of 256 numbers, on cpu>

    Args:
        path: model file.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: `bf16` computes in 16 bits where that is safe.

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
