"""The networks that are timed: the paper's sizes, random weights, layouts of blocks."""

import contextlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse import losses
from ccfpse.config import load_preset
from ccfpse.models import STYLE_DIM, ConditionalGenerator, PyramidDiscriminator, initialise
from ccfpse.models.block import BlockDesign, ConditionalBlock
from ccfpse.models.condition import Layout
from ccfpse.models.reference import block_reference, generate_reference
from ccfpse.ops import predicted_depthwise_conv, predicted_depthwise_conv_reference

LAYOUT_CHANNELS = {"cityscapes": 36, "coco-stuff": 184}
GFLOP = {"cityscapes": 1476.5, "coco-stuff": 911.2}
"""Of a forward pass by the definition: multiply-adds counted twice, depthwise products left out."""
OPERATOR_GFLOP_PER_POSITION = 2 * 9 * 128 * 9 * 128 / 1e9
Work = Callable[[], object]
Pair = tuple[Work, Work]
"""The reference, and the fast path."""


def generator(preset: str, *, initialised: bool = True) -> ConditionalGenerator:
    """The paper's generator for a data set."""
    settings = load_preset(preset)
    made = ConditionalGenerator(
        LAYOUT_CHANNELS[preset],
        width=settings.model.width,
        predictor_width=settings.model.predictor_width,
        n_doublings=settings.model.doublings,
        size=settings.data.size,
        style_dim=STYLE_DIM,
    )
    if initialised:
        initialise(made, torch.Generator().manual_seed(0))
    return made


def rectangles(n_channels: int, size: tuple[int, int]) -> Tensor:
    """A layout of 16x16 random rectangles with their boundaries, (1, K, H, W)."""
    H, W = size
    random = torch.Generator().manual_seed(1)
    labels = torch.randint(n_channels - 1, (1, 16, 16), generator=random)
    labels = labels.repeat_interleave(H // 16, 1).repeat_interleave(W // 16, 2)
    boundary = torch.zeros(1, H, W)
    boundary[:, :: H // 16] = 1
    boundary[:, :, :: W // 16] = 1
    one_hot = F.one_hot(labels, n_channels - 1).permute(0, 3, 1, 2).float()
    return torch.cat([one_hot, boundary[:, None]], dim=1)


def _layout_of(preset: str) -> Tensor:
    return rectangles(LAYOUT_CHANNELS[preset], load_preset(preset).data.size)


def precision(name: str) -> contextlib.AbstractContextManager[object]:
    """Autocast for bf16."""
    return torch.autocast("cpu", torch.bfloat16) if name == "bf16" else contextlib.nullcontext()


def operator_pair(size: tuple[int, int], *, backward: bool) -> Pair:
    """The predicted depthwise convolution of Cityscapes' last block, 128 channels from 128."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(1, 128, *size, generator=random)
    hidden = torch.randn(1, 128, *size, generator=random).relu()
    weight, bias = torch.randn(1152, 128, 3, 3, generator=random) * 0.03, torch.zeros(1152)
    tensors = [t.requires_grad_(backward) for t in (x, hidden, weight, bias)]

    def work(function: Callable[..., Tensor]) -> Work:
        def run() -> None:
            y = function(*tensors)
            if backward:
                torch.autograd.grad(y, tensors, torch.ones_like(y))

        return run

    return work(predicted_depthwise_conv_reference), work(predicted_depthwise_conv)


def block_pair() -> Pair:
    """Cityscapes' last block, 128 to 64 channels, from 128x256 to 256x512, without gradients."""
    design = BlockDesign(
        n_condition=LAYOUT_CHANNELS["cityscapes"] + 64,
        hidden=128,
        has_gates=True,
        has_kernels=True,
        kernel_size=3,
    )
    block = ConditionalBlock(128, 64, design).eval()
    seen = _layout_of("cityscapes")
    x, level = torch.randn(1, 128, 128, 256), torch.randn(1, 64, 256, 512)
    # As the block before and the pyramid leave them.
    given = [t.to(memory_format=torch.channels_last) for t in (x, level)]
    layout = Layout.of(seen)

    def reference() -> None:
        with torch.inference_mode():
            enlarged = F.interpolate(x, scale_factor=2.0, mode="nearest")
            block_reference(block, enlarged, torch.cat([seen, level], dim=1))

    def fast() -> None:
        with torch.inference_mode():
            block(given[0], layout.condition(given[1]))

    return reference, fast


def inference_pair(preset: str, name: str) -> Pair:
    """A photo of one layout: reference in float32, fast path in the precision `name`."""
    network, seen = generator(preset).eval(), _layout_of(preset)
    style = torch.zeros(1, STYLE_DIM)

    def reference() -> None:
        with torch.inference_mode():
            generate_reference(network, seen, style)

    def fast() -> None:
        with torch.inference_mode(), precision(name):
            network(seen, style)

    return reference, fast


def large_inference() -> Work:
    """A photo of 1024x2048 by a network of width 64 without style, fast path."""
    network, seen = ConditionalGenerator(LAYOUT_CHANNELS["cityscapes"]), rectangles(36, (1024, 2048))
    initialise(network, torch.Generator().manual_seed(0))
    network.eval()

    def fast() -> None:
        with torch.inference_mode():
            network(seen)

    return fast


def training_step(
    preset: str, generate: Callable[[ConditionalGenerator, Tensor, Tensor], Tensor], name: str
) -> Work:
    """Generator's and discriminator's turn on one photo, without perceptual loss, in a precision."""
    network = generator(preset).train()
    critic = PyramidDiscriminator(LAYOUT_CHANNELS[preset])
    initialise(critic, torch.Generator().manual_seed(1))
    critic.train()
    optimisers = [torch.optim.Adam(n.parameters(), 1e-4, (0.0, 0.9), fused=True) for n in (network, critic)]
    seen, style = _layout_of(preset), torch.zeros(1, STYLE_DIM)
    real = torch.rand(1, 3, *seen.shape[2:]) * 2 - 1

    def update(optimiser: torch.optim.Optimizer) -> None:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    def run() -> None:
        critic.requires_grad_(False)
        with precision(name):
            scores, features = critic(generate(network, seen, style), seen)
            with torch.no_grad():
                wanted = critic.features(real, seen)
            total = losses.hinge_generator(scores) + 10 * losses.feature_matching(features, wanted)
        torch.autograd.backward(total)
        critic.requires_grad_(True)
        update(optimisers[0])
        with torch.no_grad(), precision(name):
            fake = generate(network, seen, style)
        with precision(name):
            scores, _ = critic(torch.cat([fake.to(real.dtype), real]), seen)
            halves = [score.chunk(2) for score in scores]
            total = losses.hinge_discriminator_fake([of_fake for of_fake, _ in halves])
            total = total + losses.hinge_discriminator_real([of_real for _, of_real in halves])
        torch.autograd.backward(total)
        update(optimisers[1])

    return run


def generate_fast(network: ConditionalGenerator, seen: Tensor, style: Tensor) -> Tensor:
    """The generator as it is used."""
    found: Tensor = network(seen, style)
    return found


def training_pair(preset: str, name: str) -> Pair:
    """Training steps: reference in float32, fast path in the precision `name`."""
    return (
        training_step(preset, generate_reference, "float32"),
        training_step(preset, generate_fast, name),
    )


def weight_megabytes(kind: str, preset: str) -> float:
    """Of the generator, when training also of the discriminator."""
    with torch.device("meta"):
        made = [generator(preset, initialised=False)]
        counted = made if kind == "inference" else [*made, PyramidDiscriminator(LAYOUT_CHANNELS[preset])]
    n_values = sum(p.numel() for network in counted for p in network.parameters())
    return n_values * 4 / 2**20
