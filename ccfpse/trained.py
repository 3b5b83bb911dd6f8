"""The networks of a model file in use: class ids and style vectors go in, pixels come out.

`ccfpse.model.Model` is this, for people: with pictures of any coding and size.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ccfpse.device import Precision, pick_device, precision_context
from ccfpse.errors import ModelFileError, SettingsError
from ccfpse.labelspace import Ids
from ccfpse.layout import make_layout
from ccfpse.layoutfit import Fit, SizeChoice, fit_to_multiple, fit_to_size
from ccfpse.modelfile import ModelFile, build_encoder, build_generator
from ccfpse.modelinputs import Array, Instances, Picture, Pixels, fitted_photo
from ccfpse.recipe import FORMAT, Recipe, file_name, layout_checksum, maker, vector_text
from ccfpse.styles import NamedStyle, Style, prior_style

_OUTSIDE = -1  # instance number of what lies around a label map


def levels(image: Tensor) -> Tensor:
    """Photos of a generator's images (B, 3, H, W) in [-1, 1], uint8 (B, H, W, 3)."""
    return (image * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


class TrainedModel:
    """A generator, its encoder where the file has it, and what a caller has to know about them."""

    def __init__(
        self,
        file: ModelFile,
        *,
        name: str = "the model",
        sha256: str | None = None,
        device: str = "auto",
        precision: Precision = "float32",
    ) -> None:
        """Puts the networks of a model file to use.

        Args:
            file: as `ccfpse.modelfile.load_model` reads it.
            name: of the file, for messages.
            sha256: of the file, in hexadecimal; None: recipes cannot name it, and there are none.
            device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, `mps`.
            precision: `bf16` computes in bfloat16 where that is safe.

        Raises:
            SettingsError: the device cannot be used.
            ModelFileError: the weights do not fit the settings in the file.
        """
        self.name = name
        self.sha256 = sha256
        self.provenance = file.provenance
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

    @property
    def n_parameters(self) -> int:
        """Of the generator."""
        return sum(parameter.numel() for parameter in self._generator.parameters())

    @property
    def takes_photos(self) -> bool:
        """Whether a photo can give the style: the model has one, and its file an encoder."""
        return self.style_dim is not None and self._encoder is not None

    def encode_styles(self, photos: Sequence[Picture]) -> Style:
        """The styles of photos of any sizes, float32 (B, style_dim)."""
        if self.style_dim is None:
            raise SettingsError(f"{self.name}: was trained without a style and cannot take one from a photo")
        if self._encoder is None:
            raise ModelFileError(f"{self.name}: holds no style encoder and cannot take a style from a photo")
        # As photos enter training: at the model's size.
        pixels = np.stack([fitted_photo(photo, self.size) for photo in photos])
        image = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.inference_mode():
            mu, _ = self._encoder(image)
        style: Style = mu.cpu().numpy()
        return style

    def styles(self, style: str | Picture | NamedStyle, names: Sequence[str], seed: int) -> Style | None:
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
        vector = self._vector(style)
        if vector.shape != (dim,):
            raise SettingsError(f"the style vector has shape {vector.shape}; this model's have ({dim},)")
        return np.tile(vector.astype(np.float32), (len(names), 1))

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

    @property
    def channels(self) -> tuple[str, ...]:
        """What each of a layout's channels says, in their order."""
        return self.class_table.names + (("object boundaries",) if self.has_boundary else ())

    def layouts(self, labels: Ids, instances: Instances) -> Tensor:
        """What the network sees, (B, K, H, W) of zeros and ones on its device; arguments as in `generate`."""
        return make_layout(
            self._tensor(labels).long(),
            self.class_table.n_labels,
            self._tensor(instances) if self.has_boundary else None,
        )

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
        layout = self.layouts(labels, instances)
        with precision_context(self.device, self.precision):
            image: Tensor = self._generator(layout, None if styles is None else self._tensor(styles))
        photos: Pixels = levels(image.float()).cpu().numpy()
        return photos

    def _tensor(self, array: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _vector(self, style: Picture | NamedStyle) -> Style:
        if isinstance(style, NamedStyle):
            return style.vector
        if isinstance(style, Image.Image) or style.ndim == 3:
            photo: Style = self.encode_styles([style])[0]
            return photo
        return style

    def layout_checksum(self, labels: Ids, instances: Instances | None) -> str:
        """What `recipe` calls a layout of class ids and instance numbers by, both (H, W) as they came in."""
        numbers = labels if instances is None else instances
        return layout_checksum(labels, numbers if self.has_boundary else None)

    def recipe(
        self,
        layout_sha256: str,
        *,
        layout: str,
        style: str | NamedStyle = "prior",
        seed: int = 0,
        size: SizeChoice = "input",
    ) -> Recipe:
        """How a photo of this model is made, for `ccfpse.recipe.with_recipe` to write beside its pixels.

        Args:
            layout_sha256: from `layout_checksum`.
            layout: name of the layout, by which the prior's style is drawn.
            style: `prior`, `mean`, or a style with its name.
            seed: of the prior's styles.
            size: of the photo, as in `synthesize`.

        Raises:
            ValueError: the model came from no file, or the style has no vector of its own.
        """
        if self.sha256 is None:
            raise ValueError("a model that came from no file cannot be named in a recipe")
        if isinstance(style, str) and style not in ("prior", "mean"):
            raise ValueError(f"the style {style!r} needs its vector; give a NamedStyle")
        text = style if isinstance(style, str) else style.text
        return Recipe(
            format=FORMAT,
            model=file_name(Path(self.name)),
            model_sha256=self.sha256,
            layout=layout,
            layout_sha256=layout_sha256,
            style="none" if self.style_dim is None else text,
            style_vector=None if isinstance(style, str) else vector_text(style.vector),
            seed=seed,
            size=size,
            precision=self.precision,
            maker=maker(self.device),
        )
