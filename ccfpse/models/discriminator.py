"""What all discriminators have in common: they score photos together with the layouts they should show."""

import abc

from torch import Tensor, nn

Features = list[list[Tensor]]
"""For feature matching: differences are added within a group, and averaged over the groups."""


class Discriminator(nn.Module, abc.ABC):
    """Scores of images for their layouts; which network it is, is a setting (`model.discriminator`)."""

    def __init__(self, n_layout: int, width: int) -> None:
        super().__init__()
        self.n_layout, self.width = n_layout, width

    @abc.abstractmethod
    def forward(self, image: Tensor, layout: Tensor) -> tuple[list[Tensor], Features]:
        """Score images against their layouts.

        Args:
            image: (n·B, 3, H, W) in [-1, 1]: n batches one after the other, such as fake and real,
                all of the same layouts.
            layout: (B, K, H, W).

        Returns:
            Scores at several scales, each (n·B, 1, h, w); and the `features` of the images.

        Raises:
            ValueError: image and layout do not belong together, or the size does not fit.
        """

    @abc.abstractmethod
    def features(self, image: Tensor, layout: Tensor) -> Features:
        """All that feature matching needs of images and their layouts, as in `forward`."""

    def _check(self, image: Tensor, layout: Tensor) -> None:
        if layout.dim() != 4 or layout.shape[1] != self.n_layout:
            raise ValueError(f"layout is {tuple(layout.shape)}; it must be (B, {self.n_layout}, H, W)")
        size = (layout.shape[2], layout.shape[3])
        if image.dim() != 4 or image.shape[1:] != (3, *size) or image.shape[0] % max(len(layout), 1):
            raise ValueError(
                f"image is {tuple(image.shape)}; this layout needs (n·{len(layout)}, 3, {size[0]}, {size[1]})"
            )
