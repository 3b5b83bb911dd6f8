"""The frame of CC-FPSE's and SPADE's generators: blocks, each at twice the size of the one before."""

import abc
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ccfpse.models.condition import Layout
from ccfpse.models.generator import Generator
from ccfpse.ops import Condition, compiled_for

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


class DoublingGenerator(Generator):
    """From a start of a few positions to the image; every block sees a condition of its own size.

    Source: Park et al. 2019, arXiv:1903.07291, appendix A; taken over by Liu et al. 2019.
    """

    def __init__(
        self,
        n_layout: int,
        make_block: Callable[[int, int], nn.Module],
        *,
        width: int,
        n_doublings: int,
        size: tuple[int, int] | None,
        style_dim: int | None,
    ) -> None:
        """A generator of the blocks that ``make_block(in_channels, out_channels)`` makes.

        Args:
            n_layout: K, channels of the layout.
            make_block: of modules that take (features or features of half the size, condition).
            width: F, channels of the last block.
            n_doublings: from the head's size to the image's: 6, or 5 (then middle1 keeps middle0's size).
            size: as for `Generator`; the start is a linear layer then.
            style_dim: as for `Generator`.

        Raises:
            ValueError: the numbers describe no generator, or the size does not fit.
        """
        if n_doublings not in (5, 6):
            raise ValueError(f"n_doublings is {n_doublings}; the generator is defined for 5 and 6")
        super().__init__(n_layout, 2**n_doublings, size, style_dim)
        self.n_doublings = n_doublings
        self._keeps_size = {"head", "middle1"} if n_doublings == 5 else {"head"}
        self.start: nn.Linear | nn.Conv2d
        if size is None or style_dim is None:
            self.start = nn.Conv2d(n_layout, 16 * width, 3, padding=1)
        else:
            n_positions = size[0] * size[1] // self.size_multiple**2
            self.start = nn.Linear(style_dim, 16 * width * n_positions)
        self.blocks = nn.ModuleDict(
            {name: make_block(n_in * width, n_out * width) for name, (n_in, n_out) in BLOCK_WIDTHS.items()}
        )
        self.to_rgb = nn.Conv2d(width, 3, 3, padding=1)

    def keeps_size(self, block: str) -> bool:
        """Whether the block called so works at the size of the one before it."""
        return block in self._keeps_size

    def sizes(self, layout: Tensor) -> list[tuple[int, int]]:
        """(height, width) of every scale, from the head's to the layout's."""
        H, W = layout.shape[2:]
        return [(H >> i, W >> i) for i in range(self.n_doublings, -1, -1)]

    @abc.abstractmethod
    def _conditions(self, layout: Layout) -> list[Condition]:
        """What the blocks see, one for each of `sizes`."""

    def _generate(self, layout: Tensor, style: Tensor | None) -> Tensor:
        if compiled_for(layout) is None:
            return self._through_blocks(Layout.of(layout), style)
        # The compiled kernels decide by themselves what bfloat16's precision lets them save; in the other
        # layers it would only cost conversions.
        seen = Layout.of(layout, is_half=torch.is_autocast_enabled("cpu"))
        with torch.autocast("cpu", enabled=False):
            return self._through_blocks(seen, style)

    def _through_blocks(self, layout: Layout, style: Tensor | None) -> Tensor:
        conditions = iter(self._conditions(layout))
        x, condition = self._start(layout, style), next(conditions)  # (B, 16F, H / 2^n, W / 2^n)
        for name, block in self.blocks.items():
            if not self.keeps_size(name):
                condition = next(conditions)
            x = block(x, condition)  # enlarges x to the condition's size
        return torch.tanh(self.to_rgb(F.leaky_relu(x, 0.2)))  # (B, 3, H, W)

    def _start(self, layout: Layout, style: Tensor | None) -> Tensor:
        height, width = self.sizes(layout.channels)[0]
        start: Tensor
        if style is None:
            start = self.start(layout.resized(height, width))
        else:
            start = self.start(style).view(style.shape[0], -1, height, width)
        return start
