"""CC-FPSE generator: a layout, and a style where the network has one, become a photo."""

import functools
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.alone import one_at_a_time
from ccfpse.models.block import ConditionalBlock
from ccfpse.models.condition import Layout
from ccfpse.models.pyramid import LayoutPyramid
from ccfpse.models.sizes import check_size
from ccfpse.ops import compiled_for

# Widths in units of the base width, (in, out), from the head to the output.
BLOCK_WIDTHS = {
    "head": (16, 16),
    "middle0": (16, 16),
    "middle1": (16, 16),
    "up0": (16, 8),
    "up1": (8, 4),
    "up2": (4, 2),
    "up3": (2, 1),
}


class Generator(nn.Module):
    """Blocks of conditional convolutions, each at twice the size of the one before.

    Source: Liu et al. 2019, arXiv:1910.06809, section 3.1.
    """

    def __init__(
        self,
        n_layout: int,
        *,
        width: int = 64,
        predictor_width: int = 128,
        n_doublings: int = 6,
        size: tuple[int, int] | None = None,
        style_dim: int | None = None,
    ) -> None:
        """A generator for layouts of ``n_layout`` channels.

        Args:
            n_layout: K, channels of the layout.
            width: F, channels of the last block and of the layout pyramid.
            predictor_width: channels inside the kernel and gate predictors and SPADE.
            n_doublings: from the head's size to the image's: 6, or 5 (then middle1 keeps middle0's size).
            size: the one (height, width) of a generator with style, whose start is a linear layer.
            style_dim: length of the style vector; None for a generator without style, which
                takes every size that is a multiple of 2^n_doublings.

        Raises:
            ValueError: the numbers describe no generator, or the size does not fit.
        """
        super().__init__()
        if n_doublings not in (5, 6):
            raise ValueError(f"n_doublings is {n_doublings}; the generator is defined for 5 and 6")
        if (size is None) != (style_dim is None):
            raise ValueError("a generator with style has one size: give both size and style_dim, or neither")
        self.n_layout, self.size, self.style_dim = n_layout, size, style_dim
        self.size_multiple = 2**n_doublings
        self._keeps_size = {"head", "middle1"} if n_doublings == 5 else {"head"}
        self.start: nn.Linear | nn.Conv2d
        if size is None or style_dim is None:
            self.start = nn.Conv2d(n_layout, 16 * width, 3, padding=1)
        else:
            check_size(size, self.size_multiple)
            n_positions = size[0] * size[1] // self.size_multiple**2
            self.start = nn.Linear(style_dim, 16 * width * n_positions)
        self.pyramid = LayoutPyramid(n_layout, width, n_doublings)
        self.blocks = nn.ModuleDict(
            {
                name: ConditionalBlock(n_in * width, n_out * width, n_layout + width, predictor_width)
                for name, (n_in, n_out) in BLOCK_WIDTHS.items()
            }
        )
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, layout: Tensor, style: Tensor | None = None) -> Tensor:
        """Generate one image for each layout.

        In evaluation mode an image is the same, to the last bit, whatever batch it is in.

        Args:
            layout: (B, K, H, W).
            style: (B, style_dim), standard normal where nothing better is known; only with style.

        Returns:
            Images, (B, 3, H, W), in [-1, 1].

        Raises:
            ValueError: the layout's channels or size do not fit, or style is missing or not wanted.
        """
        self._check(layout, style)
        generate = self._generate
        precision: AbstractContextManager[object] = nullcontext()
        if compiled_for(layout) is not None:
            # The compiled kernels decide by themselves what bfloat16's precision lets them save; in the other
            # layers it would only cost conversions.
            generate = functools.partial(generate, is_half=torch.is_autocast_enabled("cpu"))
            precision = torch.autocast("cpu", enabled=False)
        with precision:
            if self.training:
                return generate(layout, style)
            return one_at_a_time(generate, layout, style)

    def keeps_size(self, block: str) -> bool:
        """Whether the block called so works at the size of the one before it."""
        return block in self._keeps_size

    def _generate(self, layout: Tensor, style: Tensor | None, *, is_half: bool = False) -> Tensor:
        seen = Layout.of(layout, is_half=is_half)
        conditions = iter([seen.condition(level) for level in self.pyramid(seen)])
        x, condition = self._start(seen, style), next(conditions)  # (B, 16F, H / 2^n, W / 2^n)
        for name, block in self.blocks.items():
            if not self.keeps_size(name):
                condition = next(conditions)
            x = block(x, condition)  # enlarges x to the condition's size
        return torch.tanh(self.to_rgb(F.leaky_relu(x, 0.2)))  # (B, 3, H, W)

    def _start(self, layout: Layout, style: Tensor | None) -> Tensor:
        height, width = (side // self.size_multiple for side in layout.channels.shape[2:])
        start: Tensor
        if style is None:
            start = self.start(layout.resized(height, width))
        else:
            start = self.start(style).view(len(style), -1, height, width)
        return start

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
