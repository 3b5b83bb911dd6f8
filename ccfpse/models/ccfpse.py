"""CC-FPSE generator: convolutions whose kernels are predicted from the layout."""

from torch import Tensor

from ccfpse.models.block import BlockDesign, ConditionalBlock
from ccfpse.models.condition import Layout
from ccfpse.models.doubling import DoublingGenerator
from ccfpse.models.pyramid import LayoutPyramid
from ccfpse.ops import Condition


class ConditionalGenerator(DoublingGenerator):
    """Blocks of conditional convolutions.

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
        has_pyramid: bool = True,
        has_gates: bool = True,
        has_kernels: bool = True,
        kernel_size: int = 3,
    ) -> None:
        """A generator for layouts of ``n_layout`` channels; the last four are the paper's ablations.

        Args:
            n_layout: K, channels of the layout.
            width: F, channels of the last block and of the layout pyramid.
            predictor_width: channels inside the kernel and gate predictors and SPADE.
            n_doublings: from the head's size to the image's: 6, or 5 (then middle1 keeps middle0's size).
            size: the one (height, width) of a generator with style, whose start is a linear layer.
            style_dim: length of the style vector; None for a generator without style, which
                takes every size that is a multiple of 2^n_doublings.
            has_pyramid: kernels and gates see the whole layout through a feature pyramid; otherwise the
                layout at their own scale alone, as far as two 3x3 convolutions reach.
            has_gates: predicted attention multiplies what a conditional convolution gives.
            has_kernels: depthwise kernels are predicted; otherwise learned, the same at every position.
            kernel_size: side of the depthwise kernels, odd.

        Raises:
            ValueError: the numbers describe no generator, or the size does not fit.
        """
        n_condition = n_layout + width if has_pyramid else n_layout
        design = BlockDesign(n_condition, predictor_width, has_gates, has_kernels, kernel_size)
        super().__init__(
            n_layout,
            lambda n_in, n_out: ConditionalBlock(n_in, n_out, design),
            width=width,
            n_doublings=n_doublings,
            size=size,
            style_dim=style_dim,
        )
        self.pyramid = LayoutPyramid(n_layout, width, n_doublings) if has_pyramid else None

    def _conditions(self, layout: Layout) -> list[Condition]:
        if self.pyramid is None:
            return [layout.alone(*size) for size in self.sizes(layout.channels)]
        levels: list[Tensor] = self.pyramid(layout)
        return [layout.condition(level) for level in levels]
