"""Model files with random networks of every kind."""

from pathlib import Path
from typing import Any

import torch

from ccfpse.labelspace import ClassTable, LabelClass
from ccfpse.modelfile import make_encoder, make_generator, with_prefix
from ccfpse.models import Generator
from tests.tiny import model_settings, save

KINDS: dict[str, dict[str, Any]] = {
    "ccfpse": {},
    "ccfpse with style": {"style": True, "boundary": False},
    "ccfpse with six doublings": {"doublings": 6, "dont_care": False, "size": (64, 128)},
    "spade": {"generator": "spade", "boundary": False, "dont_care": False},
    "spade with style": {"generator": "spade", "style": True},
    "pix2pixhd": {"generator": "pix2pixhd"},
    "local context without attention": {"context": "local", "attention": False},
    "learned kernels": {"kernels": "none"},
    "small kernels": {"kernel_size": 1},
    "large kernels": {"kernel_size": 5},
}


def table(n_classes: int, dont_care: bool) -> ClassTable:
    classes = (LabelClass(f"class {i}", (i, 100, 200), 10 * i, False, True) for i in range(n_classes))
    return ClassTable("toy", tuple(classes), dont_care, (255,) if dont_care else (), ())


def write_model(
    path: Path,
    *,
    boundary: bool = True,
    dont_care: bool = True,
    n_classes: int = 3,
    size: tuple[int, int] = (64, 96),
    **changes: Any,
) -> Path:
    """A model of narrow networks, or those that the changes say."""
    settings = model_settings(**changes)
    classes = table(n_classes, dont_care)
    torch.manual_seed(0)
    generator = make_generator(settings, classes.n_labels + boundary, size)
    weights = with_prefix("generator", _vivid(generator, size))
    if settings.style:
        weights |= with_prefix("encoder", make_encoder(settings).state_dict())
    save(path, settings, classes, weights, size, boundary)
    return path


@torch.no_grad()
def _vivid(generator: Generator, size: tuple[int, int]) -> dict[str, torch.Tensor]:
    """Its weights, such that photos are neither grey nor all black and white: numbers as after training."""
    height, width = (side // 8 for side in size)
    labels = (
        torch.randint(generator.n_layout, (4, height, width)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    )
    layout = torch.nn.functional.one_hot(labels, generator.n_layout).permute(0, 3, 1, 2).float()
    style = None if generator.style_dim is None else torch.randn(4, generator.style_dim)
    norms = [module for module in generator.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # of this batch alone
    generator.train()(layout, style)
    logits = generator.eval()(layout, style).clamp(-0.9999, 0.9999).atanh()
    state = generator.state_dict()
    state["to_rgb.weight"] *= 0.7 / logits.std()
    state["to_rgb.bias"] -= logits.mean()
    return state
