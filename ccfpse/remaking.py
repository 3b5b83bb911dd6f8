"""Photos made again from their recipes, and how near they come."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ccfpse.device import pick_device
from ccfpse.errors import DataError, ModelFileError, OutputError, SettingsError
from ccfpse.files import sha256_file
from ccfpse.labelspace import Ids
from ccfpse.layoutfiles import Instances, LayoutSource
from ccfpse.model import Model
from ccfpse.modelinputs import Pixels
from ccfpse.pictures import decode_photo
from ccfpse.recipe import Recipe, differences, maker, with_recipe
from ccfpse.styles import NamedStyle
from ccfpse.synthesisplan import Progress

_DEVICES = ("cpu", "cuda", "mps")
_NOTHING_DIFFERS = (
    "nothing that a recipe holds differs: it was made by another processor, in a larger batch on a GPU, or "
    "changed since"
)
_SHOWN = 12  # characters of a checksum that people compare


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """A photo made again, beside the one that was given."""

    content: bytes
    """PNG file, with a recipe of its own."""
    same_bytes: bool
    same_pixels: bool
    largest: int
    """Difference between a pixel's levels, 0 to 255, over all pixels and channels."""
    mean: float
    """The same, the mean of them."""
    differences: tuple[str, ...]
    """What was otherwise when the given photo was made: versions, device, threads, kernels."""

    @property
    def told(self) -> str:
        """How near it is, in words, before the list of differences."""
        if self.same_bytes:
            return "made again, byte for byte the same"
        if self.same_pixels:
            why = "these differ:" if self.differences else "the given one was saved again by another program"
            return f"made again, pixel for pixel the same; the files are not, as {why}"
        why = "these differ:" if self.differences else _NOTHING_DIFFERS
        return (
            f"made again, and not the same: levels of 0 to 255 differ by at most {self.largest}, on average "
            f"by {self.mean:.3f}; {why}"
        )


def check_out(out: Path, overwrite: bool) -> None:
    """Refuses a place for the photo where something is that may not be replaced, or that is not called PNG.

    Raises:
        OutputError: so it is.
    """
    if out.suffix.lower() != ".png":
        raise OutputError(f"{out}: photos are made again as PNG; choose a name that ends in .png")
    if not overwrite and (out.exists() or out.is_symlink()):
        raise OutputError(f"{out}: is there already; choose another name, or replace it with --overwrite")


def check_model(path: Path, recipe: Recipe, picture: str) -> None:
    """Refuses a model file other than the one that made the picture.

    Raises:
        ModelFileError: it cannot be read, or is another one.
    """
    try:
        found = sha256_file(path)
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror}); give the model that made {picture} with --model"
        ) from error
    if found != recipe.model_sha256:
        raise ModelFileError(
            f"{path}: is not the model that made {picture}, which was called {recipe.model} and has the "
            f"SHA-256 {recipe.model_sha256[:_SHOWN]}…, not {found[:_SHOWN]}…; give that one with --model"
        )


def find_layout(
    layouts: Sequence[LayoutSource], recipe: Recipe, model: Model, where: Path, progress: Progress
) -> tuple[Ids, Instances | None]:
    """The layout that a picture was made of: by its name if there is one, or else by its content.

    Args:
        layouts: where it may be.
        recipe: of the picture.
        model: that made it.
        where: the layouts are, for the message.
        progress: called with (layouts looked at, layouts).

    Returns:
        Class ids and instance numbers, both (H, W).

    Raises:
        DataError: it is not there; the sentence says if one of its name is, with another content.
    """
    ordered = sorted(layouts, key=lambda layout: layout.name != recipe.layout)
    problem = f"holds no layout called {recipe.layout}, nor one with its content"
    for done, layout in enumerate(ordered, start=1):
        progress(done, len(ordered))
        try:
            labels, instances = layout.read()
        except DataError as error:
            if layout.name == recipe.layout:
                problem = f"holds {recipe.layout}, which cannot be used ({error})"
            continue
        if model.layout_checksum(labels, instances) == recipe.layout_sha256:
            progress(len(ordered), len(ordered))
            return labels, instances
        if layout.name == recipe.layout:
            problem = (
                f"holds {recipe.layout}, but with other labels or instances than the picture was made of"
            )
    raise DataError(
        f"{where}: {problem}; give the picture's label map with --labels, and --instances if it had some"
    )


def remake(
    given: bytes, name: str, recipe: Recipe, model: Model, labels: Ids, instances: Instances | None
) -> Remade:
    """Makes a photo again and compares it with the given one.

    Args:
        given: PNG file of the photo.
        name: of that file, for messages.
        recipe: in it.
        model: that made it, as `check_model` found it.
        labels: class ids of its layout, (H, W).
        instances: instance numbers of its layout, (H, W), or None.

    Raises:
        DataError: the recipe's style or size is not that of the model or the photo.
    """
    style = _style(recipe, model, name)
    fit = model.fit(labels.shape, recipe.size)
    fitted_labels, fitted_instances = model.fitted(labels, instances, fit)
    styles = model.styles(style, [recipe.layout], recipe.seed)
    (pixels,) = model.generate(fitted_labels[None], fitted_instances[None], styles)
    photo = fit.undo(pixels) if recipe.size == "input" else pixels
    now = dataclasses.replace(recipe, maker=maker(model.device))
    content = with_recipe(Image.fromarray(photo), now)
    largest, mean = _distance(photo, np.asarray(decode_photo(given, name)), name)
    return Remade(
        content=content,
        same_bytes=content == given,
        same_pixels=largest == 0,
        largest=largest,
        mean=mean,
        differences=tuple(differences(recipe.maker, now.maker)),
    )


def device_for(recipe: Recipe) -> str:
    """Name of the device that a picture was made on where there is one here, or else of the usual one."""
    if recipe.maker.device not in _DEVICES:
        return "auto"
    try:
        return pick_device(recipe.maker.device).type
    except SettingsError:
        return "auto"


def _style(recipe: Recipe, model: Model, name: str) -> str | NamedStyle:
    vector = recipe.vector()
    is_known = vector is not None or recipe.style in ("none", "prior", "mean")
    is_vector = vector is None or vector.shape == (model.style_dim,)
    if not is_known or not is_vector or (recipe.style == "none") != (model.style_dim is None):
        raise DataError(
            f"{name}: its recipe is damaged (no style of its model); give a PNG as ccfpse made it"
        )
    if vector is not None:
        return NamedStyle(recipe.style, vector)
    return "prior" if recipe.style == "none" else recipe.style


def _distance(made: Pixels, given: Pixels, name: str) -> tuple[int, float]:
    """The largest and the mean difference of two photos' levels."""
    if made.shape != given.shape:
        raise DataError(
            f"{name}: is {given.shape[0]}x{given.shape[1]}, but its recipe makes "
            f"{made.shape[0]}x{made.shape[1]}; give a PNG as ccfpse made it"
        )
    apart = np.abs(made.astype(np.int16) - given)
    return int(apart.max()), float(apart.mean())
