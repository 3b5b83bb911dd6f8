"""A trained model in use: label maps and a style go in, photos come out.

What `ccfpse.load` returns. Files and folders are `ccfpse.synthesis`'s concern.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import cast, overload

import numpy as np
import numpy.typing as npt
from PIL import Image

from ccfpse.errors import DataError
from ccfpse.layoutfit import SizeChoice, equal_batches
from ccfpse.modelinputs import Coding, Picture, Pixels, decoded_instances, decoded_labels
from ccfpse.notebook import facts
from ccfpse.strict import shorten
from ccfpse.styles import NamedStyle, Style
from ccfpse.trained import TrainedModel

_MOST_FACTS = 20
_LONGEST_FACT = 200


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the network sees of a label map."""

    values: npt.NDArray[np.float32]
    """Zeros and ones, (K, H, W); H and W are what the network takes, so perhaps larger than the label map."""
    channels: tuple[str, ...]
    """What each of the K says: a label's name, or object boundaries."""


class Model(TrainedModel):
    """A trained model, on pictures and arrays of any size and coding."""

    @overload
    def synthesize(
        self,
        labels: Picture,
        instances: Picture | None = None,
        style: str | Picture | NamedStyle = "prior",
        seed: int = 0,
        *,
        names: Sequence[str] | None = None,
        coding: Coding = "auto",
        size: SizeChoice = "input",
        batch: int = 8,
        as_arrays: bool = False,
    ) -> Picture: ...

    @overload
    def synthesize(
        self,
        labels: Sequence[Picture],
        instances: Sequence[Picture] | None = None,
        style: str | Picture | NamedStyle = "prior",
        seed: int = 0,
        *,
        names: Sequence[str] | None = None,
        coding: Coding = "auto",
        size: SizeChoice = "input",
        batch: int = 8,
        as_arrays: bool = False,
    ) -> list[Picture]: ...

    def synthesize(
        self,
        labels: Picture | Sequence[Picture],
        instances: Picture | Sequence[Picture] | None = None,
        style: str | Picture | NamedStyle = "prior",
        seed: int = 0,
        *,
        names: Sequence[str] | None = None,
        coding: Coding = "auto",
        size: SizeChoice = "input",
        batch: int = 8,
        as_arrays: bool = False,
    ) -> Picture | list[Picture]:
        """Photos of label maps: a list for a list, a single one for a single one.

        >>> layout = Image.open("layout.png")
        >>> photo = model.synthesize(layout, seed=3)
        >>> photo.size == layout.size
        True
        >>> of_a_dusk = model.synthesize([layout, layout], style=Image.open("dusk.jpg"))
        >>> len(of_a_dusk)
        2

        Args:
            labels: PIL images, or arrays as `numpy.asarray` makes of them: (H, W) values or
                (H, W, 3) colours. Sizes may differ.
            instances: maps of the same sizes whose values tell objects apart; without them, a model that
                was trained with them sees the boundaries between classes.
            style: `prior` (at random), `mean`, a photo whose style is taken, or a vector from `encode_style`.
            seed: of the prior's styles, together with `names`.
            names: of the label maps, "0", "1", … where none are given. With a file's relative name without
                its suffix the style is the one that the file gets from `ccfpse synthesize`.
            coding: what the values of `labels` mean: values (`ids`) or colours (`colors`) of the data set's
                label maps, either by the picture's form (`auto`), or `classes`, positions in `class_table`.
            size: photos have the size of their label map (`input`) or the model's (`model`).
            batch: label maps of the model's size computed at a time, fewer larger ones; changes no result.
            as_arrays: uint8 arrays (H, W, 3) instead of PIL images.

        Raises:
            DataError: a value that the class table does not have; maps that do not belong together.
            SettingsError: a style that the model does not know.
        """
        if isinstance(labels, Image.Image | np.ndarray):
            labels, instances = [labels], None if instances is None else [instances]  # type: ignore[list-item]
            return self.synthesize(
                labels, instances, style, seed, names=names, coding=coding, size=size, as_arrays=as_arrays
            )[0]
        ids = [
            decoded_labels(picture, self.class_table, coding, f"labels[{i}]")
            for i, picture in enumerate(labels)
        ]
        numbers = decoded_instances(cast("Sequence[Picture] | None", instances), ids)
        if names is not None and len(names) != len(ids):
            raise DataError(f"there are {len(names)} names for {len(ids)} label maps; give one for each")
        styles = self.styles(style, names or [str(i) for i in range(len(ids))], seed)
        fits = [self.fit(array.shape, size) for array in ids]
        photos: dict[int, Pixels] = {}
        for members in equal_batches([fit.network_size for fit in fits], batch, self.size):
            fitted = [self.fitted(ids[i], numbers[i], fits[i]) for i in members]
            pixels = self.generate(
                np.stack([labels for labels, _ in fitted]),
                np.stack([instances for _, instances in fitted]),
                None if styles is None else styles[members],
            )
            photos |= {
                i: fits[i].undo(p) if size == "input" else p for i, p in zip(members, pixels, strict=True)
            }
        ordered = [photos[i] for i in range(len(ids))]
        return list(ordered) if as_arrays else [Image.fromarray(photo) for photo in ordered]

    def encode_style(self, photo: Picture) -> Style:
        """The style of a photo: the mean that the encoder gives it, float32 (style_dim,).

        >>> style = model.encode_style(Image.open("dusk.jpg"))
        >>> style.shape
        (256,)
        >>> photo = model.synthesize(Image.open("layout.png"), style=style)

        Args:
            photo: PIL image, or array uint8 (H, W, 3).

        Raises:
            SettingsError: the model has no style.
            ModelFileError: the file has no encoder.
            DataError: the array is no photo.
        """
        style: Style = self.encode_styles([photo])[0]
        return style

    def layout(
        self,
        labels: Picture,
        instances: Picture | None = None,
        *,
        coding: Coding = "auto",
        size: SizeChoice = "input",
    ) -> Layout:
        """A label map as the network sees it; arguments and errors as in `synthesize`.

        >>> seen = model.layout(Image.open("layout.png"))
        >>> seen.values.shape
        (5, 32, 64)
        >>> seen.channels
        ('road', 'sky', 'car', "don't care", 'object boundaries')
        """
        ids = decoded_labels(labels, self.class_table, coding, "labels")
        (numbers,) = decoded_instances(None if instances is None else [instances], [ids])
        fitted_ids, fitted_numbers = self.fitted(ids, numbers, self.fit(ids.shape, size))
        (values,) = self.layouts(fitted_ids[None], fitted_numbers[None]).cpu().numpy()
        return Layout(values, self.channels)

    def __repr__(self) -> str:
        return f"<Model {self.name}: {', '.join(text for _, text in self._facts()[:3])}, on {self.device}>"

    def _repr_html_(self) -> str:
        """For notebooks: what the model is and how it was made, and its classes."""
        made = [
            (shorten(str(name)).replace("_", " "), _in_words(value))
            for name, value in self.provenance.items()
        ]
        rows = [
            *self._facts(),
            ("parameters", f"{self.n_parameters:,}"),
            ("device", f"{self.device}, {self.precision}"),
            ("SHA-256", self.sha256 or "of no file"),
            *made[:_MOST_FACTS],
        ]
        return facts(self.name, rows) + self.class_table._repr_html_()

    def _facts(self) -> list[tuple[str, str]]:
        """What is worth knowing first."""
        settings, (height, width) = self.settings["model"], self.size
        is_free = self.style_dim is None
        return [
            ("generator", f"{settings['generator']} of width {settings['width']}"),
            ("size", f"{height}x{width}" + (", trained at; takes others" if is_free else "")),
            ("style", "no style" if is_free else f"styles of {self.style_dim} numbers"),
            ("layout", f"{self.class_table.n_labels} labels" + ", object boundaries" * self.has_boundary),
        ]


def _in_words(value: object) -> str:
    """An entry of a model's provenance: plain values, and what a mapping has of them."""
    if isinstance(value, Mapping):
        plain = ((name, one) for name, one in value.items() if isinstance(one, str | int | float))
        value = ", ".join(f"{name} {one}" for name, one in plain)
    text = str(value)
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"
