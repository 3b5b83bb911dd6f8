"""Opens, checks and fits one raw sample."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ccfpse.datasets.fitting import Fit, Size, fit_map, fit_photo
from ccfpse.datasets.outlines import draw_objects
from ccfpse.datasets.raw import RawSample
from ccfpse.errors import DataError
from ccfpse.labelimage import Coding, decode_label_image
from ccfpse.labelspace import ClassTable, Ids
from ccfpse.pictures import decode_photo, decode_values
from ccfpse.sections import DataSettings


@dataclass(frozen=True, slots=True)
class Recipe:
    """How samples of a data set are read."""

    table: ClassTable
    coding: Coding
    fit: Fit
    instances: bool

    @classmethod
    def of(cls, data: DataSettings, table: ClassTable) -> "Recipe":
        """As the settings say; published data sets code their labels by ids."""
        return cls(table, "ids" if data.custom is None else data.custom.coding, data.fit, data.instances)


@dataclass(frozen=True, slots=True)
class ReadSample:
    """A sample as the prepared store keeps it."""

    image: npt.NDArray[np.uint8]
    """(H, W, 3)."""
    labels: Ids
    """(H, W), class ids."""
    instances: npt.NDArray[np.uint16] | None
    """(H, W), 0.. in the order of the raw values."""
    source_size: Size
    """Height and width of the photo in its file, after its EXIF rotation."""


def read_sample(sample: RawSample, recipe: Recipe, size: Size) -> ReadSample:
    """Reads a sample and brings it to `size`.

    Raises:
        DataError: a file is not readable or no picture, photo and maps differ in size, or labels are not in
            the class table; the sentence begins with the file.
    """
    photo = decode_photo(sample.image.read(), str(sample.image))
    shape = (photo.height, photo.width)
    labels = decode_label_image(sample.labels.read(), str(sample.labels), recipe.table, recipe.coding)
    _refuse_other_size(str(sample.labels), "label map", labels.shape, shape)
    instances = None
    if recipe.instances:
        numbers = _instances(sample, labels)
        padding = None if recipe.table.dont_care is None else -1  # an object of its own, as the labels are
        instances = _renumbered(
            fit_map(numbers, size, recipe.fit, padding), str(sample.instances or sample.image)
        )
    return ReadSample(
        image=fit_photo(photo, size, recipe.fit),
        labels=fit_map(labels, size, recipe.fit, recipe.table.dont_care).astype(np.uint8),
        instances=instances,
        source_size=shape,
    )


def _instances(sample: RawSample, labels: Ids) -> npt.NDArray[np.int32]:
    if sample.instances is None:
        return draw_objects(sample.objects or "[]", labels, str(sample.image))
    numbers = decode_values(sample.instances.read(), str(sample.instances))
    _refuse_other_size(str(sample.instances), "instance map", numbers.shape, labels.shape)
    return numbers


def _renumbered(numbers: npt.NDArray[np.int32], name: str) -> npt.NDArray[np.uint16]:
    values, places = np.unique(numbers, return_inverse=True)
    if len(values) > 65536:
        raise DataError(f"{name}: tells {len(values)} objects apart; at most 65536 are kept")
    return places.reshape(numbers.shape).astype(np.uint16)


def _refuse_other_size(name: str, what: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        raise DataError(
            f"{name}: this {what} is {found[1]}x{found[0]} pixels (width x height), "
            f"but its photo is {wanted[1]}x{wanted[0]}"
        )
