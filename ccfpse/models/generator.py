"""What all generators have in common: a layout, and a style where the network has one, become a photo."""

import abc

from torch import Tensor, nn

from ccfpse.models.alone import one_at_a_time
from ccfpse.models.sizes import check_size
from ccfpse.ops import is_traced


class Generator(nn.Module, abc.ABC):
    """A network from layouts to images; which one is a setting (`model.generator`)."""

    def __init__(
        self, n_layout: int, size_multiple: int, size: tuple[int, int] | None, style_dim: int | None
    ) -> None:
        """A generator for layouts of ``n_layout`` channels.

        Args:
            n_layout: K, channels of the layout.
            size_multiple: what height and width of the layout are multiples of.
            size: the one (height, width) of a generator with style.
            style_dim: length of the style vector; None for a generator without style, which
                takes every size that is made of multiples.

        Raises:
            ValueError: the numbers describe no generator, or the size does not fit.
        """
        super().__init__()
        if (size is None) != (style_dim is None):
            raise ValueError("a generator with style has one size: give both size and style_dim, or neither")
        if size is not None:
            check_size(size, size_multiple)
        self.n_layout, self.size, self.style_dim = n_layout, size, style_dim
        self.size_multiple = self.smallest_side = size_multiple

    def forward(self, layout: Tensor, style: Tensor | None = None) -> Tensor:
        """Generate one image for each layout.

        In evaluation mode an image is the same, to the last bit, whatever batch it is in; not so in a graph
        made of this, which has no loop over its batch.

        Args:
            layout: (B, K, H, W).
            style: (B, style_dim), standard normal where nothing better is known; only with style.

        Returns:
            Images, (B, 3, H, W), in [-1, 1].

        Raises:
            ValueError: the layout's channels or size do not fit, or style is missing or not wanted.
        """
        self._check(layout, style)
        if self.training or is_traced():
            return self._generate(layout, style)
        return one_at_a_time(self._generate, layout, style)

    @abc.abstractmethod
    def _generate(self, layout: Tensor, style: Tensor | None) -> Tensor:
        """Images of layouts that fit."""

    def _check(self, layout: Tensor, style: Tensor | None) -> None:
        if layout.dim() != 4 or layout.shape[1] != self.n_layout:
            raise ValueError(f"layout is {tuple(layout.shape)}; it must be (B, {self.n_layout}, H, W)")
        size = (layout.shape[2], layout.shape[3])
        if self.size is None:
            check_size(size, self.size_multiple)
        elif size != self.size:
            raise ValueError(
                f"size {size[0]}x{size[1]} (height x width) does not fit: this generator has a style, and "
                f"with it the one size {self.size[0]}x{self.size[1]}"
            )
        need = None if self.style_dim is None else (layout.shape[0], self.style_dim)
        found = None if style is None else tuple(style.shape)
        if found != need:
            raise ValueError(f"style is {found}; this generator needs {need} for these layouts")
