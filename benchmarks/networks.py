"""The networks that are timed: the paper's sizes, random weights, layouts of blocks."""

import contextlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse import losses
from ccfpse.config import load_preset
from ccfpse.models import STYLE_DIM, Discriminator, Generator, initialise
from ccfpse.models.reference import generate_reference
from ccfpse.ops import predicted_depthwise_conv, predicted_depthwise_conv_reference

LAYOUT_CHANNELS = {"cityscapes": 36, "coco-stuff": 184}
Work = Callable[[], object]


def generator(preset: str, *, initialised: bool = True) -> Generator:
    """The paper's generator for a data set."""
    settings = load_preset(preset)
    made = Generator(
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


def layout(preset: str) -> Tensor:
    """A layout of 16x16 random rectangles with their boundaries, (1, K, H, W)."""
    H, W = load_preset(preset).data.size
    K = LAYOUT_CHANNELS[preset]
    random = torch.Generator().manual_seed(1)
    labels = torch.randint(K - 1, (1, 16, 16), generator=random)
    labels = labels.repeat_interleave(H // 16, 1).repeat_interleave(W // 16, 2)
    boundary = torch.zeros(1, H, W)
    boundary[:, :: H // 16] = 1
    boundary[:, :, :: W // 16] = 1
    one_hot = F.one_hot(labels, K - 1).permute(0, 3, 1, 2).float()
    return torch.cat([one_hot, boundary[:, None]], dim=1)


def precision(name: str) -> contextlib.AbstractContextManager[object]:
    """Autocast for bf16."""
    return torch.autocast("cpu", torch.bfloat16) if name == "bf16" else contextlib.nullcontext()


def operator_pair(backward: bool) -> tuple[Work, Work]:
    """The predicted depthwise convolution of Cityscapes' last block, 128 channels at 256x512."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(1, 128, 256, 512, generator=random)
    hidden = torch.randn(1, 128, 256, 512, generator=random).relu()
    weight, bias = torch.randn(1152, 128, 3, 3, generator=random) * 0.03, torch.zeros(1152)
    tensors = [t.requires_grad_(backward) for t in (x, hidden, weight, bias)]

    def work(function: Callable[..., Tensor]) -> Work:
        def run() -> None:
            y = function(*tensors)
            if backward:
                torch.autograd.grad(y, tensors, torch.ones_like(y))

        return run

    return work(predicted_depthwise_conv_reference), work(predicted_depthwise_conv)


def inference_pair(preset: str, name: str, only: str | None = None) -> tuple[Work, Work]:
    """A photo of one layout: reference in float32, fast path in the precision `name`."""
    network, seen = generator(preset).eval(), layout(preset)
    style = torch.zeros(1, STYLE_DIM)

    def reference() -> None:
        with torch.inference_mode():
            generate_reference(network, seen, style)

    def fast() -> None:
        with torch.inference_mode(), precision(name):
            network(seen, style)

    return reference, fast


def state_megabytes(kind: str, preset: str) -> float:
    """Weights; when training also gradients and Adam's two moments, of generator and discriminator."""
    with torch.device("meta"):
        made = [generator(preset, initialised=False)]
        counted = made if kind == "inference" else [*made, Discriminator(LAYOUT_CHANNELS[preset])]
    n_values = sum(p.numel() for network in counted for p in network.parameters())
    return n_values * 4 * (1 if kind == "inference" else 4) / 2**20


def training_pair(preset: str, name: str, only: str | None = None) -> tuple[Work, Work]:
    """Generator's and discriminator's turn on one photo, without perceptual loss; reference in float32."""

    def step(generate: Callable[[Generator, Tensor, Tensor], Tensor], name: str) -> Work:
        network = generator(preset).train()
        critic = Discriminator(LAYOUT_CHANNELS[preset])
        initialise(critic, torch.Generator().manual_seed(1))
        critic.train()
        optimisers = [
            torch.optim.Adam(n.parameters(), 1e-4, (0.0, 0.9), fused=True) for n in (network, critic)
        ]
        seen, style = layout(preset), torch.zeros(1, STYLE_DIM)
        real = torch.rand(1, 3, *seen.shape[2:]) * 2 - 1

        def run() -> None:
            for optimiser in optimisers:
                optimiser.zero_grad(set_to_none=True)
            with precision(name):
                critic.requires_grad_(False)
                scores, features = critic(generate(network, seen, style), seen)
                with torch.no_grad():
                    wanted = critic.features(real)
                total = losses.hinge_generator(scores) + 10 * losses.feature_matching(features, wanted)
            torch.autograd.backward(total)
            critic.requires_grad_(True)
            optimisers[0].step()
            with torch.no_grad(), precision(name):
                fake = generate(network, seen, style)
            with precision(name):
                scores, _ = critic(torch.cat([fake.to(real.dtype), real]), seen)
                halves = [score.chunk(2) for score in scores]
                total = losses.hinge_discriminator_fake([fake_score for fake_score, _ in halves])
                total = total + losses.hinge_discriminator_real([real_score for _, real_score in halves])
            torch.autograd.backward(total)
            optimisers[1].step()

        return run

    def fast(network: Generator, *inputs: Tensor) -> Tensor:
        found: Tensor = network(*inputs)
        return found

    sides = {"reference": (generate_reference, "float32"), "fast": (fast, name)}
    made = {side: step(*how) if only in (None, side) else _nothing for side, how in sides.items()}
    return made["reference"], made["fast"]


def _nothing() -> None:
    raise AssertionError("this side was not asked for")
