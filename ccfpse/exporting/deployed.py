"""What is exported: a generator with everything around it that its users would otherwise have to write."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.modelfile import ModelFile, build_generator
from ccfpse.models import without_spectral_norms
from ccfpse.trained import levels

INPUTS = {
    "labels": "class ids, uint8 (batch, height, width), 0 to n - 1 in the order of the classes",
    "instances": "numbers that tell objects apart, int32 (batch, height, width); without any: the class ids",
    "style": "style vectors, float32 (batch, length), standard normal; zeros are the mean style",
}
OUTPUTS = {
    "photo": "photos, uint8 (batch, height, width, 3), RGB in [0, 255]",
    "image": "the same, float32 (batch, 3, height, width) in [-1, 1]",
}
_BATCH = 2
_SEED = 0


class Deployed(nn.Module):
    """Class ids in, photos out; in standard operations, none of which mentions a batch or a free size."""

    one_hot: Tensor

    def __init__(self, file: ModelFile) -> None:
        """The generator of a model file, spectral norms multiplied out.

        Raises:
            ModelFileError: the weights do not fit the settings in the file.
        """
        super().__init__()
        self.generator = without_spectral_norms(build_generator(file))
        # Looked up: an id that the model does not have is an error, not a pixel of no class.
        self.register_buffer("one_hot", torch.eye(file.class_table.n_labels))
        self.eval().requires_grad_(False)

    def forward(
        self, labels: Tensor, instances: Tensor | None = None, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """`OUTPUTS` of `INPUTS`; instances and style for models that have them."""
        layout = self.one_hot[labels.int()].permute(0, 3, 1, 2)
        if instances is not None:
            layout = torch.cat([layout, _boundaries(instances)], dim=1)
        image: Tensor = self.generator(layout, style)
        return levels(image), image


class Shape(NamedTuple):
    """What inputs of an exported model may be."""

    size: tuple[int, int]
    """(height, width) the model was trained at; with style, the only one."""
    multiple: int | None
    """Other sizes are made of multiples of this; None: there are none."""
    smallest_side: int

    @classmethod
    def of(cls, deployed: Deployed, file: ModelFile) -> "Shape":
        """That of a model file's generator."""
        generator = deployed.generator
        multiple = None if generator.size is not None else int(generator.size_multiple)
        return cls(file.size, multiple, int(generator.smallest_side))  # type: ignore[arg-type]

    @property
    def smallest(self) -> tuple[int, int]:
        """A size to trace at: quick, and no two sides alike where there is a choice."""
        if self.multiple is None:
            return self.size
        side = max(self.smallest_side, 2 * self.multiple)
        return side, side + self.multiple

    @property
    def another(self) -> tuple[int, int]:
        """A size to check at, where there is a choice."""
        if self.multiple is None:
            return self.size
        height, width = self.smallest
        return height + self.multiple, width


def example(
    file: ModelFile, size: tuple[int, int], batch: int = _BATCH, seed: int = _SEED
) -> dict[str, Tensor]:
    """Inputs at random, by name: label maps of blocks, with all of a model's other inputs."""
    random = torch.Generator().manual_seed(seed)
    height, width = size

    def blocks(n: int) -> Tensor:
        coarse = torch.randint(n, (batch, -(-height // 8), -(-width // 8)), generator=random)
        return coarse.repeat_interleave(8, 1).repeat_interleave(8, 2)[:, :height, :width].contiguous()

    inputs = {"labels": blocks(file.class_table.n_labels).to(torch.uint8)}
    if file.has_boundary:
        inputs["instances"] = blocks(1000).int()
    if file.style_dim is not None:
        inputs["style"] = torch.randn(batch, file.style_dim, generator=random)
    return inputs


def _boundaries(instances: Tensor) -> Tensor:
    """`ccfpse.layout.boundaries` without changing anything in place, float32 (B, 1, H, W)."""
    below = (instances[:, 1:] != instances[:, :-1]).float()
    beside = (instances[:, :, 1:] != instances[:, :, :-1]).float()
    rows = torch.maximum(F.pad(below, (0, 0, 1, 0)), F.pad(below, (0, 0, 0, 1)))
    columns = torch.maximum(F.pad(beside, (1, 0)), F.pad(beside, (0, 1)))
    return torch.maximum(rows, columns).unsqueeze(1)
