"""Layouts × styles as one picture, and how different a layout's photos are."""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ccfpse.errors import OutputError, SettingsError
from ccfpse.evaluation.diversity import as_image, load_lpips, lpips_path, mean_of_pairs, why_none
from ccfpse.evaluation.picture import legend, write_picture
from ccfpse.labelspace import Ids
from ccfpse.layoutfiles import LayoutSource, read_photo
from ccfpse.model import Model
from ccfpse.modelinputs import Instances, Pixels, fitted_photo
from ccfpse.styleoptions import VECTOR_SUFFIX, between, named_style
from ccfpse.styles import NamedStyle, Style
from ccfpse.synthesisplan import Progress

_CELL = 200
_LONGEST_CAPTION = 24
_WHITE = 255


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One style, for all layouts."""

    caption: str
    style: str | NamedStyle
    """`prior`, `own`, or one for all."""
    seed: int = 0
    photo: Pixels | None = None
    """That the style was taken from, at the model's size."""


@dataclasses.dataclass(frozen=True, slots=True)
class Diversity:
    """How different the photos of one layout are in styles of the prior; means over layouts."""

    layouts: int
    styles: int
    deviation: float
    """Standard deviation between a layout's photos, position by position, in levels of 0 to 255; mean over
    positions and channels."""
    lpips: float | None
    """Mean over pairs of a layout's photos."""
    no_lpips: str | None
    """Why there is none."""


def check_out(out: Path, inputs: Iterable[Path]) -> None:
    """Refuses a place for the picture that is not called PNG, or where one of the inputs lies.

    Raises:
        OutputError: so it is.
    """
    if out.suffix.lower() != ".png":
        raise OutputError(f"{out}: the picture is a PNG; choose a name that ends in .png")
    if out.is_file() and any(one.exists() and out.samefile(one) for one in inputs):
        raise OutputError(f"{out}: is an input, which the picture would replace; choose another name")


def style_columns(model: Model, given: Sequence[str], *, seeds: int, steps: int) -> list[Column]:
    """Styles of the prior, the mean, then those given, with what lies between neighbours of these.

    Args:
        model: for which they are.
        given: `own`, photos' paths and paths of vectors.
        seeds: how many of the prior: 0, 1, …
        steps: styles between two neighbours of those given; 0: none.

    Raises:
        SettingsError: the model has no style, or not such a one.
        ModelFileError, DataError: as `ccfpse.styleoptions.named_style`.
    """
    found = [Column(f"prior, seed {seed}", "prior", seed) for seed in range(seeds)]
    found.append(Column("mean", named_style(model, "mean")))
    ends = [_column(model, one) for one in given]
    for a, b in itertools.pairwise([*ends, None]):
        if a is None:
            continue
        found.append(a)
        if b is None or isinstance(a.style, str) or isinstance(b.style, str):
            continue
        for step in range(1, steps + 1):
            share = step / (steps + 1)
            found.append(Column(f"{share:.0%} of the way", between(a.style, b.style, share)))
    return found


def make_grid(
    model: Model, layouts: Sequence[LayoutSource], columns: Sequence[Column], out: Path, progress: Progress
) -> list[list[Pixels]]:
    """Writes the picture: a row for every layout, its label map first, at the model's size.

    Args:
        model: that makes the photos.
        layouts: from top to bottom.
        columns: from left to right.
        out: PNG file.
        progress: called with (columns done, columns).

    Returns:
        The photos, uint8 (H, W, 3), of every column from top to bottom.

    Raises:
        DataError: a layout cannot be read.
        SettingsError: `own`, where layouts have no photo.
        OutputError: the file cannot be written.
    """
    if any(column.style == "own" for column in columns):
        layouts[0].photo()  # or it would be refused after all other columns
    fitted = [_fitted(model, layout) for layout in layouts]
    photos: list[list[Pixels]] = []
    for done, column in enumerate(columns, start=1):
        styles = _styles(model, layouts, column)
        photos.append(
            [
                model.generate(ids[None], numbers[None], styles[row : row + 1])[0]
                for row, (ids, numbers) in enumerate(fitted)
            ]
        )
        progress(done, len(columns))
    ids = [one for one, _ in fitted]
    shown = {"layout": [model.class_table.colorize(one) for one in ids]}
    shown |= dict(zip(_captions(columns), photos, strict=True))
    names = [layout.name for layout in layouts]
    if any(column.photo is not None for column in columns):
        blank = np.full((*model.size, 3), _WHITE, np.uint8)
        firsts = [None, *(column.photo for column in columns)]
        shown = {
            caption: [blank if first is None else first, *rows]
            for first, (caption, rows) in zip(firsts, shown.items(), strict=True)
        }
        names = ["styles taken from", *names]
    write_picture(out, shown, legend(model.class_table, ids), [_printable(name) for name in names], _CELL)
    return photos


def measure(
    model: Model, columns: Sequence[Column], photos: Sequence[Sequence[Pixels]], lpips: str | None
) -> Diversity | None:
    """How different the photos are in the columns of the prior; None: fewer than two of them.

    Args:
        model: that made them.
        columns: as `make_grid` took them.
        photos: as it returned them.
        lpips: file of AlexNet's weights; None: torchvision's cache.
    """
    drawn = [rows for column, rows in zip(columns, photos, strict=True) if column.style == "prior"]
    if len(drawn) < 2:
        return None
    by_layout = [np.stack(row) for row in zip(*drawn, strict=True)]  # (styles, H, W, 3) each
    figure, reason = _lpips(model, by_layout, lpips_path(lpips))
    return Diversity(
        layouts=len(by_layout),
        styles=len(drawn),
        deviation=float(np.mean([deviation(stack) for stack in by_layout])),
        lpips=figure,
        no_lpips=reason,
    )


def deviation(photos: npt.NDArray[np.uint8]) -> float:
    """Standard deviation (over N - 1) between photos (N, H, W, 3) in every position; the mean of these."""
    return float(photos.astype(np.float64).std(axis=0, ddof=1).mean())


def _lpips(
    model: Model, by_layout: Sequence[npt.NDArray[np.uint8]], weights: Path
) -> tuple[float | None, str | None]:
    if (reason := why_none(model, weights)) is not None:
        return None, reason
    try:
        network = load_lpips(weights, model.device)
    except SettingsError as error:  # the package is an extra
        return None, str(error)
    means = [
        mean_of_pairs([as_image(photo) for photo in stack], network, model.device) for stack in by_layout
    ]
    return float(np.mean(means)), None


def _column(model: Model, given: str) -> Column:
    if given == "own":
        return Column("own", "own")
    if given == "prior":
        raise SettingsError("columns of the prior are there already; --seeds says how many")
    style = named_style(model, given)
    path = Path(given)
    is_photo = given != "mean" and path.suffix != VECTOR_SUFFIX
    photo = fitted_photo(read_photo(path), model.size) if is_photo else None
    return Column("mean" if given == "mean" else path.name, style, photo=photo)


def _fitted(model: Model, layout: LayoutSource) -> tuple[Ids, Instances]:
    ids, numbers = layout.read()
    return model.fitted(ids, numbers, model.fit(ids.shape, "model"))


def _styles(model: Model, layouts: Sequence[LayoutSource], column: Column) -> Style:
    if column.style == "own":
        return model.encode_styles([layout.photo() for layout in layouts])
    styles = model.styles(column.style, [layout.name for layout in layouts], column.seed)
    if styles is None:
        raise SettingsError(f"{model.name}: was trained without a style: every layout has one photo")
    return styles


def _captions(columns: Sequence[Column]) -> list[str]:
    """Short, printable and different from each other."""
    found: list[str] = []
    for column in columns:
        caption = short = _printable(column.caption)[:_LONGEST_CAPTION]
        for number in itertools.count(2):
            if caption not in (*found, "layout"):
                break
            caption = f"{short} ({number})"
        found.append(caption)
    return found


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
