"""What the published checkpoints call each weight, and what this project calls it.

Published state dicts of CC-FPSE (generator, style encoder, discriminator), SPADE, pix2pixHD and PatchGAN, and
torchvision's VGG-19 -> our state dicts. Names and shapes only; files are read in `published.py`.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from ccfpse.errors import ModelFileError

BLOCKS = {
    "head_0": "head",
    "G_middle_0": "middle0",
    "G_middle_1": "middle1",
    "up_0": "up0",
    "up_1": "up1",
    "up_2": "up2",
    "up_3": "up3",
}
_BLOCK_PARTS = {
    "norm_1": "conv1.norm",
    "gen_weights1.0": "conv1.kernels.first",
    "gen_weights1.2": "conv1.kernels.last",
    "conv_1": "conv1.mix",
    "gen_se_weights1.0": "conv1.gate.first",
    "gen_se_weights1.2": "conv1.gate.last",
    "norm_2": "conv2.norm",
    "gen_weights2.0": "conv2.kernels.first",
    "gen_weights2.2": "conv2.kernels.last",
    "conv_3": "conv2.mix",
    "gen_se_weights2.0": "conv2.gate.first",
    "gen_se_weights2.2": "conv2.gate.last",
    "norm_s.param_free_norm": "shortcut.norm.norm",
    "norm_s.mlp_shared.0": "shortcut.norm.shared",
    "norm_s.mlp_gamma": "shortcut.norm.gamma",
    "norm_s.mlp_beta": "shortcut.norm.beta",
    "conv_s": "shortcut.mix",
}
_SPADE_PARTS = {"param_free_norm": "norm", "mlp_shared.0": "shared", "mlp_gamma": "gamma", "mlp_beta": "beta"}
_SPADE_BLOCK_PARTS = {"conv_0": "conv1", "conv_1": "conv2", "conv_s": "shortcut.mix"} | {
    f"{norm}.{part}": f"{our_norm}.{our_part}"
    for norm, our_norm in {"norm_0": "norm1", "norm_1": "norm2", "norm_s": "shortcut.norm"}.items()
    for part, our_part in _SPADE_PARTS.items()
}
# Places in the published pix2pixHD's list of layers, halvings, residual blocks and doublings.
_PIX2PIXHD_START, _PIX2PIXHD_LAST = 1, 38
_PIX2PIXHD_DOWN, _PIX2PIXHD_MIDDLE, _PIX2PIXHD_UP = range(4, 14, 3), range(16, 25), range(25, 35, 3)
_LEAVES = {"weight_orig": "weight", "weight_u": "u", "weight_v": "v"}
# Batch norms that the published network makes and never calls.
_UNUSED = re.compile(r"\w+\.(norm_0|conv_0\.norm_layer|conv_2\.norm_layer)\.\w+")
_PERCEPTUAL = re.compile(r"features\.(\d+)\.(weight|bias)")
_LAST_PERCEPTUAL_LAYER = 28


def count_doublings(entries: Iterable[str]) -> int:
    """Doublings of a published generator: one decoder step of the layout pyramid for each."""
    return sum(re.fullmatch(r"labellat\d+\.0\.0\.weight_orig", entry) is not None for entry in entries)


def generator_names(entries: Iterable[str]) -> dict[str, str]:
    """Published generator entry -> ours, unused ones left out."""
    entries = [entry for entry in entries if not _UNUSED.fullmatch(entry)]
    n = count_doublings(entries)
    modules = {"fc": "start", "conv_img": "to_rgb"}
    for published, ours, count in (
        ("labelenc", "encoder", n + 1),
        ("labellat", "laterals", n),
        ("labeldec", "decoder", n),
    ):
        for i in range(count):
            modules[f"{published}{i + 1}.0.0"] = f"pyramid.{ours}.{i}.conv"
            modules[f"{published}{i + 1}.0.1"] = f"pyramid.{ours}.{i}.norm"
    modules |= _block_names(_BLOCK_PARTS)
    return _renamed(entries, modules, "CC-FPSE generator")


def spade_names(entries: Iterable[str]) -> dict[str, str]:
    """Published SPADE generator entry -> ours."""
    modules = {"fc": "start", "conv_img": "to_rgb"} | _block_names(_SPADE_BLOCK_PARTS)
    return _renamed(entries, modules, "SPADE generator")


def pix2pixhd_names(entries: Iterable[str]) -> dict[str, str]:
    """Entry of a published pix2pixHD global generator -> ours."""
    modules = {f"model.{_PIX2PIXHD_START}": "start", f"model.{_PIX2PIXHD_LAST}": "to_rgb"}
    for ours, places in (("down", _PIX2PIXHD_DOWN), ("up", _PIX2PIXHD_UP)):
        modules |= {f"model.{place}": f"{ours}.{i}" for i, place in enumerate(places)}
    for i, place in enumerate(_PIX2PIXHD_MIDDLE):
        modules |= {f"model.{place}.conv_block.1": f"middle.{i}.conv1"}
        modules |= {f"model.{place}.conv_block.5": f"middle.{i}.conv2"}
    return _renamed(entries, modules, "pix2pixHD global generator")


def patchgan_names(entries: Iterable[str]) -> dict[str, str]:
    """Entry of a published multi-scale PatchGAN -> ours."""
    modules: dict[str, str] = {}
    for scale in range(2):
        theirs, ours = f"discriminator_{scale}", f"scales.{scale}"
        modules |= {f"{theirs}.model0.0": f"{ours}.first", f"{theirs}.model4.0": f"{ours}.score"}
        modules |= {f"{theirs}.model{i + 1}.0.0": f"{ours}.middle.{i}.conv" for i in range(3)}
    return _renamed(entries, modules, "multi-scale PatchGAN")


def encoder_names(entries: Iterable[str]) -> dict[str, str]:
    """Published style encoder entry -> ours."""
    modules = {f"layer{i + 1}.0": f"convs.{i}" for i in range(6)} | {"fc_mu": "mu", "fc_var": "logvar"}
    return _renamed(entries, modules, "CC-FPSE style encoder")


def discriminator_names(entries: Iterable[str]) -> dict[str, str]:
    """Published discriminator entry -> ours."""
    modules = {f"enc{i + 1}.0.0": f"bottom_up.{i}.conv" for i in range(5)}
    modules |= {f"lat{i + 2}.0.0": f"laterals.{i}.conv" for i in range(4)}
    modules |= {f"final{i + 2}.0.0": f"final.{i}.conv" for i in range(3)}
    modules |= {"tf": "truth", "seg": "semantics", "embedding": "embedding"}
    return _renamed(entries, modules, "CC-FPSE discriminator")


def perceptual_names(entries: Iterable[str]) -> dict[str, str]:
    """Entry of torchvision's VGG-19 -> ours: the convolutions up to relu5_1, whose names stay."""
    found = (_PERCEPTUAL.fullmatch(entry) for entry in entries)
    return {m[0]: m[0] for m in found if m and int(m[1]) <= _LAST_PERCEPTUAL_LAYER}


def renamed(state: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """A state dict under our names."""
    return {ours: state[published] for published, ours in names.items()}


def _block_names(parts: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{block}.{part}": f"blocks.{our_block}.{our_part}"
        for block, our_block in BLOCKS.items()
        for part, our_part in parts.items()
    }


def _renamed(entries: Iterable[str], modules: Mapping[str, str], network: str) -> dict[str, str]:
    names = {}
    for entry in entries:
        module, _, leaf = entry.rpartition(".")
        if module not in modules:
            raise ModelFileError(f"entry {entry} is not one of a published {network}")
        names[entry] = f"{modules[module]}.{_LEAVES.get(leaf, leaf)}"
    return names
