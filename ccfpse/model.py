"""A trained model in use: label maps and a style go in, photos come out.

What `ccfpse.load` returns. Files and folders are `ccfpse.synthesis`'s concern.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ccfpse.device import pick_device, precision_context
from ccfpse.errors import DataError, ModelFileError, SettingsError
from ccfpse.labelimage import decode_labels
from ccfpse.labelspace import Ids
from ccfpse.layout import make_layout
from ccfpse.layoutfit import Fit, SizeChoice, equal_batches, fit_to_multiple, fit_to_size
from ccfpse.modelfile import ModelFile, build_encoder, build_generator
from ccfpse.pictures import picture_values
from ccfpse.styles import Style, prior_style

Array: TypeAlias = npt.NDArray[Any]
Picture: TypeAlias = Image.Image | Array
"""A photo, label map or instance map in memory."""
Pixels: TypeAlias = npt.NDArray[np.uint8]
Instances: TypeAlias = npt.NDArray[np.int32]
Precision = Literal["float32", "bf16"]
Coding = Literal["auto", "ids", "colors", "classes"]

_OUTSIDE = -1  # instance number of what lies around a label map


class Model:
    """A generator, and what a caller has to know about it."""

    def __init__(
        self,
        file: ModelFile,
        *,
        name: str = "the model",
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        """Puts the networks of a model file to use.

        Args:
            file: as `ccfpse.modelfile.load_model` reads it.
            name: of the file, for messages.
            device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, `mps`.
            precision: `bf16` computes in bfloat16 where that is safe.

        Raises:
            SettingsError: the device cannot be used.
            ModelFileError: the weights do not fit the settings in the file.
        """
        self.name = name
        self.class_table = file.class_table
        self.settings = file.settings
        self.size = file.size
        self.has_boundary = file.has_boundary
        self.device = pick_device(device)
        self.precision = precision
        self._generator = build_generator(file).to(self.device)
        self._encoder = build_encoder(file).to(self.device) if file.has("encoder") else None

    @property
    def style_dim(self) -> int | None:
        """Length of a style vector; None for a model without style."""
        return self._generator.style_dim

    @overload
    def synthesize(
        self,
        labels: Picture,
        instances: Picture | None = None,
        style: str | Picture = "prior",
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
        style: str | Picture = "prior",
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
        style: str | Picture = "prior",
        seed: int = 0,
        *,
        names: Sequence[str] | None = None,
        coding: Coding = "auto",
        size: SizeChoice = "input",
        batch: int = 8,
        as_arrays: bool = False,
    ) -> Picture | list[Picture]:
        """Photos of label maps: a list for a list, a single one for a single one.

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
        ids = [self._decoded(picture, coding, f"labels[{i}]") for i, picture in enumerate(labels)]
        numbers = _instance_numbers(instances, ids)
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

        Args:
            photo: PIL image, or array uint8 (H, W, 3).

        Raises:
            SettingsError: the model has no style.
            ModelFileError: the file has no encoder.
            DataError: the array is no photo.
        """
        style: Style = self.encode_styles([photo])[0]
        return style

    def encode_styles(self, photos: Sequence[Picture]) -> Style:
        """The styles of photos of any sizes, float32 (B, style_dim)."""
        if self.style_dim is None:
            raise SettingsError(f"{self.name}: was trained without a style and cannot take one from a photo")
        if self._encoder is None:
            raise ModelFileError(f"{self.name}: holds no style encoder and cannot take a style from a photo")
        # As photos enter training: at the model's size.
        pixels = np.stack([_resized(photo, self.size) for photo in photos])
        image = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            mu, _ = self._encoder(image)
        style: Style = mu.cpu().numpy()
        return style

    def styles(self, style: str | Picture, names: Sequence[str], seed: int) -> Style | None:
        """One style per name, (B, style_dim); None for a model without style. Arguments as in `synthesize`.

        Raises:
            SettingsError: a style that is not known, or that the model cannot have.
        """
        dim = self.style_dim
        if dim is None:
            if not isinstance(style, str) or style != "prior":
                raise SettingsError(f"{self.name}: was trained without a style; leave the style at prior")
            return None
        if isinstance(style, str):
            if style == "prior":
                return np.array([prior_style(seed, name, dim) for name in names]).reshape(-1, dim)
            if style == "mean":
                return np.zeros((len(names), dim), np.float32)
            raise SettingsError(f"style {style!r} is not known; there are prior, mean and a photo's")
        if isinstance(style, Image.Image) or style.ndim == 3:
            style = self.encode_style(style)
        if style.shape != (dim,):
            raise SettingsError(f"the style vector has shape {style.shape}; this model's have ({dim},)")
        return np.tile(style.astype(np.float32), (len(names), 1))

    def fit(self, size: tuple[int, ...], choice: SizeChoice) -> Fit:
        """How a label map of `size` (height, width) enters the network.

        A model with style has one size. One without takes a label map as it is, only filled up to
        the next multiple, unless the photo is to have the model's size.
        """
        height, width = size
        if self.style_dim is not None or choice == "model":
            return fit_to_size((height, width), self.size)
        return fit_to_multiple((height, width), self._generator.size_multiple, self._generator.smallest_side)

    def fitted(self, labels: Ids, instances: Instances | None, fit: Fit) -> tuple[Ids, Instances]:
        """Class ids and instance numbers (H, W) as the network takes them; missing instances are classes."""
        numbers = labels.astype(np.int32) if instances is None else instances
        dont_care = self.class_table.dont_care
        return fit.apply(labels, dont_care), fit.apply(numbers, None if dont_care is None else _OUTSIDE)

    @torch.inference_mode()
    def generate(self, labels: Ids, instances: Instances, styles: Style | None) -> Pixels:
        """Photos of label maps that fit the network.

        Args:
            labels: class ids, (B, H, W).
            instances: instance numbers, (B, H, W); looked at where the model has a boundary channel.
            styles: (B, style_dim), or None for a model without style.

        Returns:
            Photos, uint8 (B, H, W, 3); each the same whatever else is in the batch.
        """
        layout = make_layout(
            self._tensor(labels).long(),
            self.class_table.n_labels,
            self._tensor(instances) if self.has_boundary else None,
        )
        with precision_context(self.device, self.precision):
            image: Tensor = self._generator(layout, None if styles is None else self._tensor(styles))
        pixels = (image.float() * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8)
        photos: Pixels = pixels.permute(0, 2, 3, 1).cpu().numpy()
        return photos

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _decoded(self, picture: Picture, coding: Coding, where: str) -> Ids:
        if isinstance(picture, np.ndarray) and picture.size == 0:
            raise DataError(f"{where}: is an empty array; a label map has at least one pixel")
        if coding != "classes":
            return decode_labels(picture, self.class_table, coding, where)
        ids: Array = np.asarray(picture)
        n_labels = self.class_table.n_labels
        if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer):
            raise DataError(f"{where}: is {ids.dtype} {ids.shape}; class ids are whole numbers, (H, W)")
        if ids.min() < 0 or ids.max() >= n_labels:
            raise DataError(f"{where}: has class ids outside 0 to {n_labels - 1}, the model's")
        narrow: Ids = ids.astype(np.uint8)
        return narrow


def _instance_numbers(instances: Any, labels: Sequence[Ids]) -> list[Instances | None]:
    if instances is None:
        return [None] * len(labels)
    if len(instances) != len(labels):
        raise DataError(f"{len(labels)} label maps need as many instance maps, not {len(instances)}")
    numbers = [
        picture_values(picture) if isinstance(picture, Image.Image) else picture.astype(np.int32)
        for picture in instances
    ]
    for i, (number, label) in enumerate(zip(numbers, labels, strict=True)):
        if number.shape != label.shape:
            raise DataError(f"instances[{i}]: has shape {number.shape}, but its label map has {label.shape}")
    return list(numbers)


def _resized(photo: Picture, size: tuple[int, int]) -> Pixels:
    if isinstance(photo, np.ndarray) and (photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3):
        raise DataError(f"a photo is an array uint8 (H, W, 3); this one is {photo.dtype} {photo.shape}")
    image = Image.fromarray(photo) if isinstance(photo, np.ndarray) else photo.convert("RGB")
    if image.size != size[::-1]:
        image = image.resize(size[::-1], Image.Resampling.BICUBIC)
    return np.asarray(image)
