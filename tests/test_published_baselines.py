"""Published SPADE and pix2pixHD generators, and PatchGAN, become model files that compute the same."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ccfpse.errors import ModelFileError
from ccfpse.modelfile import build_discriminator, build_generator, load_model
from ccfpse.models import PatchDiscriminator, Pix2PixHdGenerator, SpadeGenerator, initialise
from ccfpse.published_import import import_published
from ccfpse.published_names import patchgan_names, pix2pixhd_names, spade_names

CASES = Path(__file__).parent / "parity" / "cases"


def entries(case: str, network: str) -> list[str]:
    return list(json.loads((CASES / case / "case.json").read_text("utf-8"))["keys"][network])


def published(network: torch.nn.Module, names: dict[str, str], path: Path) -> Path:
    initialise(network, torch.Generator().manual_seed(1))
    state = network.state_dict()
    torch.save({entry: state[ours] for entry, ours in names.items()}, path)
    return path


def random_layout(K: int, size: tuple[int, int]) -> Tensor:
    torch.manual_seed(2)
    return torch.nn.functional.one_hot(torch.randint(K, (1, *size)), K).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize(("doublings", "given"), [(6, None), (5, 5)])
def test_spade(tmp_path: Path, doublings: int, given: int | None) -> None:
    """Without style, as the published checkpoints are."""
    network = SpadeGenerator(36, width=2, hidden=3, n_doublings=doublings).eval()
    named = [e for e in entries("spade-cityscapes", "G") if e != "fc.weight"] + ["fc.weight"]
    path = published(network, spade_names(named), tmp_path / "latest_net_G.pth")
    model = import_published(path, None, None, "cityscapes", tmp_path / "m.safetensors", doublings=given)
    assert (model.model.generator, model.model.doublings, model.model.style) == ("spade", doublings, False)
    layout = random_layout(36, (64, 128))
    with torch.no_grad():
        loaded = build_generator(load_model(tmp_path / "m.safetensors"))
        torch.testing.assert_close(loaded(layout), network(layout))


def test_pix2pixhd_with_its_discriminator(tmp_path: Path) -> None:
    network, critic = Pix2PixHdGenerator(36, width=2).eval(), PatchDiscriminator(36, 4).eval()
    G = published(
        network, pix2pixhd_names(entries("pix2pixhd-cityscapes", "G")), tmp_path / "latest_net_G.pth"
    )
    D = published(critic, patchgan_names(entries("patchgan-cityscapes", "D")), tmp_path / "latest_net_D.pth")
    model = import_published(G, None, D, "cityscapes", tmp_path / "m.safetensors")
    assert (model.model.generator, model.model.discriminator) == ("pix2pixhd", "patchgan")
    layout, image = random_layout(36, (64, 128)), torch.rand(1, 3, 64, 128)
    loaded = load_model(tmp_path / "m.safetensors")
    with torch.no_grad():
        torch.testing.assert_close(build_generator(loaded)(layout), network(layout))
        found, expected = build_discriminator(loaded)(image, layout), critic(image, layout)
        torch.testing.assert_close(found, expected)


def test_doublings_are_asked_for_spade_alone(tmp_path: Path) -> None:
    network = Pix2PixHdGenerator(36, width=2)
    G = published(network, pix2pixhd_names(entries("pix2pixhd-cityscapes", "G")), tmp_path / "G.pth")
    with pytest.raises(ModelFileError, match="leave --doublings out"):
        import_published(G, None, None, "cityscapes", tmp_path / "m.safetensors", doublings=5)


def test_entries_of_another_network_are_named(tmp_path: Path) -> None:
    path = tmp_path / "G.pth"
    state = {
        "model.1.weight": torch.zeros(2, 36, 7, 7),
        "model1_1.weight": torch.zeros(1),
    }  # a local enhancer
    torch.save(state, path)
    with pytest.raises(
        ModelFileError, match=r"G\.pth: entry model1_1\.weight is not one of a published pix2pixHD"
    ):
        import_published(path, None, None, "cityscapes", tmp_path / "m.safetensors")


@pytest.mark.parametrize("kind", ["spade", "pix2pixhd"])
def test_ade20ks_channels_are_put_in_our_order(tmp_path: Path, kind: str) -> None:
    """The published networks saw "other" first; here it comes last."""
    if kind == "spade":
        network = SpadeGenerator(151, width=2, hidden=3, n_doublings=5).eval()
        names = spade_names(entries("spade-cityscapes", "G"))
    else:
        network = Pix2PixHdGenerator(151, width=2).eval()
        names = pix2pixhd_names(entries("pix2pixhd-cityscapes", "G"))
    critic = PatchDiscriminator(151, 4).eval()
    G = published(network, names, tmp_path / "net_G.pth")
    D = published(critic, patchgan_names(entries("patchgan-cityscapes", "D")), tmp_path / "net_D.pth")
    import_published(G, None, D, "ade20k", tmp_path / "m.safetensors")
    loaded = load_model(tmp_path / "m.safetensors")
    theirs, image = random_layout(151, (64, 64)), torch.rand(1, 3, 64, 64)
    ours = torch.cat([theirs[:, 1:], theirs[:, :1]], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(build_generator(loaded)(ours), network(theirs), atol=1e-5, rtol=1e-4)
        found, _ = build_discriminator(loaded)(image, ours)
        expected, _ = critic(image, theirs)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
