"""What each network costs: parameters, multiplications and memory, counted from the networks themselves.

Networks are run on tensors without content along the reference path, while PyTorch's flop counter and
a counter of ours see every convolution. Only full dynamic filters, which nobody can build, are computed from
a formula.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakIdKeyDictionary

from ccfpse.modelfile import make_discriminator, make_encoder, make_generator
from ccfpse.models import STYLE_DIM, ConditionalGenerator, check_size
from ccfpse.models.doubling import BLOCK_WIDTHS, DoublingGenerator
from ccfpse.models.reference import generate_reference
from ccfpse.sections import CCFPSE_SWITCHES, ModelSettings
from ccfpse.segmentation import Progress
from ccfpse.training.estimate import kept_bytes, kept_for_backward

_NOT_COMPILED = r"(start|to_rgb)\.weight"
_TILE, _TILE_PRODUCTS = 4, 36  # outputs along a side, and multiplications, of F(4x4, 3x3)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Complexity:
    """Of one network, for one photo."""

    name: str
    role: str
    """`generator`, `discriminator` or `encoder`."""
    parameters: int
    flop: int
    """Of a forward pass by the definition: multiply-adds counted twice, depthwise products left out."""
    fast_multiplications: int | None
    """Of the same on the compiled kernels: Winograd tiles, layouts looked up; None: they do not serve it."""
    kept_bytes: int | None
    """Kept by a training pass for its backward pass, in PyTorch; None: cannot be built."""


@dataclasses.dataclass(frozen=True, slots=True)
class Networks:
    """What the complexities are about."""

    settings: ModelSettings
    n_layout: int
    size: tuple[int, int]
    """(height, width) of the photo."""

    def complexities(self, progress: Progress) -> list[Complexity]:
        """All generators and discriminators at these widths, the settings' own among them.

        Args:
            progress: called with (networks done, networks).

        Raises:
            ValueError: the size does not fit a network.
        """
        check_size(self.size, 2**self.settings.doublings)
        with FakeTensorMode():
            return self._complexities(progress)

    def _complexities(self, progress: Progress) -> list[Complexity]:
        paper = dataclasses.replace(self.settings, generator="ccfpse", **CCFPSE_SWITCHES)  # type: ignore[arg-type]
        variants = {
            "CC-FPSE": paper,
            "CC-FPSE, local context": dataclasses.replace(paper, context="local"),
            "CC-FPSE, no attention": dataclasses.replace(paper, attention=False),
            "CC-FPSE, learned kernels": dataclasses.replace(paper, kernels="none"),
            "SPADE": dataclasses.replace(paper, generator="spade"),
            "pix2pixHD": dataclasses.replace(paper, generator="pix2pixhd", style=False),
        }
        if self.settings not in variants.values() and self.settings.generator == "ccfpse":
            variants["as in the settings"] = self.settings
        discriminators = {"FPSE": "fpse", "multi-scale PatchGAN": "patchgan"}
        total = len(variants) + len(discriminators)
        rows: list[Complexity] = []
        for name, settings in variants.items():
            progress(len(rows), total)
            rows.append(self._of_generator(name, settings))
        rows.insert(1, self._with_full_filters(rows[0], paper))
        for name, kind in discriminators.items():
            rows.append(self._of_discriminator(name, dataclasses.replace(paper, discriminator=kind)))  # type: ignore[arg-type]
        if self.settings.style:
            rows.append(self._of_encoder())
        progress(total, total)
        return rows

    def _of_generator(self, name: str, settings: ModelSettings) -> Complexity:
        generator = make_generator(settings, self.n_layout, self.size)
        layout = torch.zeros(1, self.n_layout, *self.size)
        style = torch.zeros(1, STYLE_DIM) if settings.style else None
        is_looked_up = settings.generator != "pix2pixhd"

        def run() -> object:
            if isinstance(generator, ConditionalGenerator):
                return generate_reference(generator, layout, style)
            return generator(layout, style)

        left_alone = [
            weight
            for name, weight in generator.named_parameters()
            if re.fullmatch(_NOT_COMPILED, name)
            or (settings.kernel_size != 3 and name.endswith("kernels.last.weight"))
        ]
        return _counted(
            name, "generator", generator, run, lambda: generator.train()(layout, style),
            layout=layout if is_looked_up else None, left_alone=left_alone, is_fast=is_looked_up,
        )  # fmt: skip

    def _of_discriminator(self, name: str, settings: ModelSettings) -> Complexity:
        discriminator = make_discriminator(settings, self.n_layout)
        layout, image = torch.zeros(1, self.n_layout, *self.size), torch.zeros(1, 3, *self.size)
        is_fast = settings.discriminator == "fpse"
        return _counted(
            name, "discriminator", discriminator, lambda: discriminator(image, layout),
            lambda: discriminator.train()(image, layout), is_fast=is_fast,
        )  # fmt: skip

    def _of_encoder(self) -> Complexity:
        encoder, image = make_encoder(self.settings), torch.zeros(1, 3, *self.size)
        return _counted(
            "style encoder", "encoder", encoder, lambda: encoder(image), lambda: encoder.train()(image)
        )

    def _with_full_filters(self, depthwise: Complexity, settings: ModelSettings) -> Complexity:
        """Kernels of every input for every output, 9·in·out numbers a position instead of 9·in and a 1x1."""
        generator = make_generator(settings, self.n_layout, self.size)
        assert isinstance(generator, DoublingGenerator)
        parameters, flop = depthwise.parameters, depthwise.flop
        sizes = iter(generator.sizes(torch.empty(1, 1, *self.size)))
        H, W = next(sizes)
        taps, hidden = settings.kernel_size**2, settings.predictor_width
        for name, (n_in, n_out) in BLOCK_WIDTHS.items():
            if not generator.keeps_size(name):
                H, W = next(sizes)
            n_in, n_out = n_in * settings.width, n_out * settings.width
            middle = min(n_in, n_out)
            for of, to in ((n_in, middle), (middle, n_out)):
                more = taps * of * to - taps * of  # outputs of the predictor's last layer
                parameters += more * (9 * hidden + 1) - of * to - to
                flop += 2 * H * W * (more * 9 * hidden - of * to)
        return Complexity(
            name="CC-FPSE, full dynamic filters (computed)",
            role="generator",
            parameters=parameters,
            flop=flop,
            fast_multiplications=None,
            kept_bytes=None,
        )


def unused_published_parameters(width: int) -> int:
    """Of a published CC-FPSE generator: scale and shift of three batch norms a block, never called."""
    channels = sum(n_in + min(n_in, n_out) + n_out for n_in, n_out in BLOCK_WIDTHS.values())
    return 2 * channels * width


def _counted(
    name: str,
    role: str,
    network: nn.Module,
    run: Callable[[], object],
    train: Callable[[], object],
    *,
    layout: Tensor | None = None,
    left_alone: Sequence[Tensor] = (),
    is_fast: bool = False,
) -> Complexity:
    network.eval()
    fast, plain = _FastMultiplications(layout, left_alone), FlopCounterMode(display=False)
    with torch.no_grad(), plain, fast:
        run()
    with kept_for_backward() as kept:
        train()
    return Complexity(
        name=name,
        role=role,
        parameters=sum(p.numel() for p in network.parameters()),
        flop=plain.get_total_flops() - 2 * fast.depthwise,
        fast_multiplications=fast.total if is_fast else None,
        kept_bytes=kept_bytes(kept, network),
    )


class _FastMultiplications(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what the compiled kernels would multiply.

    3x3 convolutions of stride 1 take 36 products for 16 outputs, whole tiles at the edges, and none for input
    channels that are the layout's; everything else is as it is.

    Args:
        layout: whose channels are looked up, also resized and before other channels.
        left_alone: weights of layers that the compiled kernels do not compute.
    """

    def __init__(self, layout: Tensor | None, left_alone: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = self.depthwise = 0
        self._layout_channels = WeakIdKeyDictionary()
        if layout is not None:
            self._layout_channels[layout] = layout.shape[1]
        self._left_alone = {id(weight) for weight in left_alone}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        name = func.overloadpacket
        if name is torch.ops.aten.convolution:
            self._add(*args, found)
        elif name in (torch.ops.aten.addmm, torch.ops.aten.mm):
            self.total += found.numel() * args[-1].shape[0]
        elif name is torch.ops.aten.upsample_nearest2d and args[0] in self._layout_channels:
            self._layout_channels[found] = self._layout_channels[args[0]]
        elif name is torch.ops.aten.cat and args[0][0] in self._layout_channels:
            self._layout_channels[found] = self._layout_channels[args[0][0]]
        return found

    def _add(self, x: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, *rest: Any) -> None:
        y, (_, is_transposed, _, groups) = rest[-1], rest[:4]
        n_in = weight.shape[0] if is_transposed else weight.shape[1]
        taps = weight.shape[2] * weight.shape[3]
        if groups > 1:
            self.depthwise += y.numel() * n_in * taps
            return
        is_served = tuple(weight.shape[2:]) == (3, 3) and tuple(stride) == (1, 1)
        if not is_served or is_transposed or id(weight) in self._left_alone:
            positions = (x if is_transposed else y)[0, 0].numel()
            self.total += len(y) * positions * n_in * y.shape[1] * taps
            return
        tiles = math.ceil(y.shape[2] / _TILE) * math.ceil(y.shape[3] / _TILE)
        n_in -= self._layout_channels.get(x, 0)  # type: ignore[no-untyped-call]
        self.total += len(y) * tiles * _TILE_PRODUCTS * n_in * y.shape[1]
