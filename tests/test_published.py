"""Published checkpoints become model files: whole, in our channel order, or refused."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ccfpse.errors import ModelFileError
from ccfpse.modelfile import build_discriminator, build_encoder, build_generator, load_model
from ccfpse.models import ConditionalGenerator, PyramidDiscriminator, StyleEncoder, initialise
from ccfpse.published import (
    discriminator_from_published,
    encoder_from_published,
    generator_from_published,
    generator_options,
    permute_layout,
)
from ccfpse.published_import import import_published
from ccfpse.published_names import BLOCKS, discriminator_names, encoder_names, generator_names

CASES = Path(__file__).resolve().parent / "parity" / "cases"


def published_entries(case: str, network: str) -> list[str]:
    return list(json.loads((CASES / case / "case.json").read_text("utf-8"))["keys"][network])


def as_published(network: torch.nn.Module, entries: list[str], names: dict[str, str]) -> dict[str, Tensor]:
    """A checkpoint as the published code writes it, unused batch norms and all."""
    state = network.state_dict()
    return {e: state[names[e]] if e in names else torch.ones(3) for e in entries}


def published_generator(
    n_layout: int, size: tuple[int, int] | None, n_doublings: int = 5
) -> dict[str, Tensor]:
    torch.manual_seed(0)
    generator = ConditionalGenerator(
        n_layout,
        width=2,
        predictor_width=3,
        n_doublings=n_doublings,
        size=size,
        style_dim=256 if size else None,
    )
    initialise(generator, torch.Generator().manual_seed(1))
    case = "generator-coco-novae" if n_doublings == 5 else "generator-cityscapes"
    entries = published_entries(case, "G")
    return as_published(generator, entries, generator_names(entries))


def published_encoder() -> dict[str, Tensor]:
    entries = published_entries("encoder-cityscapes", "E")
    return as_published(StyleEncoder(2), entries, encoder_names(entries))


def published_discriminator(n_layout: int) -> dict[str, Tensor]:
    entries = published_entries("discriminator-cityscapes", "D")
    return as_published(PyramidDiscriminator(n_layout, 4), entries, discriminator_names(entries))


def random_published_layout(n_labels: int, size: tuple[int, int]) -> Tensor:
    torch.manual_seed(2)
    labels = torch.randint(n_labels, size)
    labels[: size[0] // 2, : size[1] // 2] = 0  # plenty of the channel that moves farthest
    return torch.nn.functional.one_hot(labels, n_labels).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize(
    ("size", "n_doublings", "aspect_ratio"),
    [
        ((64, 128), 6, 2.0),
        ((32, 32), 5, 1.0),
        ((96, 64), 5, 2 / 3),
        ((128, 192), 6, 2.0),
        (None, 5, 1.0),
        (None, 6, 2.0),
    ],
)
def test_options_are_read_off_the_shapes(size, n_doublings, aspect_ratio) -> None:
    options = generator_options(published_generator(7, size, n_doublings), aspect_ratio, 5)
    assert (options.n_layout, options.width, options.predictor_width) == (7, 2, 3)
    assert (options.n_doublings, options.size) == (n_doublings, size)


def test_all_entries_but_the_unused_batch_norms_are_taken() -> None:
    entries = published_entries("generator-cityscapes", "G")
    left = {entry.split(".", 1)[1] for entry in entries if entry not in generator_names(entries)}
    leaves = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    unused = ("norm_0", "conv_0.norm_layer", "conv_2.norm_layer")
    assert left == {f"{module}.{leaf}" for module in unused for leaf in leaves}
    assert len(BLOCKS) * len(unused) * len(leaves) == len(entries) - len(generator_names(entries))


@pytest.mark.parametrize("style", [True, False])
def test_imported_ade20k_network_sees_its_channels_in_our_order(style, tmp_path: Path) -> None:
    size = (64, 64)
    states = {
        "G": published_generator(151, size if style else None),
        "E": published_encoder(),
        "D": published_discriminator(151),
    }
    for name, state in states.items():
        torch.save(state, tmp_path / f"200_net_{name}.pth")
    G, E, D, out = (
        tmp_path / n for n in ("200_net_G.pth", "200_net_E.pth", "200_net_D.pth", "m.safetensors")
    )
    import_published(G, E if style else None, D, "ade20k", out)
    model = load_model(out)
    assert not model.has_boundary
    assert model.provenance["imported_from"]["generator"]["file"] == "200_net_G.pth"

    theirs = random_published_layout(151, size)  # channel 0: other, k: class k - 1
    ours = torch.cat([theirs[:, 1:], theirs[:, :1]], dim=1)  # other last
    vector = torch.randn(1, 256) if style else None
    generator = generator_from_published(states["G"], generator_options(states["G"], 1.0, 5))
    image = torch.rand(1, 3, *size)
    with torch.no_grad():
        torch.testing.assert_close(build_generator(model)(ours, vector), generator(theirs, vector))
        found, _ = build_discriminator(model)(image, ours)
        expected, _ = discriminator_from_published(states["D"])(image, theirs)
        torch.testing.assert_close(found, expected)
        # One more power iteration: the singular vectors were permuted with the weight.
        torch.testing.assert_close(
            build_generator(model).pyramid.encoder[0].train()(ours),
            generator.pyramid.encoder[0].train()(theirs),
        )
        if style:
            found_style = build_encoder(model)(image)
            torch.testing.assert_close(found_style, encoder_from_published(states["E"])(image))


def test_every_weight_that_sees_the_layout_is_permuted() -> None:
    generator = ConditionalGenerator(5, width=2, predictor_width=3, n_doublings=5)
    before = generator.state_dict()
    after = permute_layout(before, [1, 2, 3, 4, 0])
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    takes_layout = {n for n, p in generator.named_parameters() if p.dim() == 4 and p.shape[1] in (5, 7)}
    assert changed == takes_layout | {"pyramid.encoder.0.conv.v"}


def test_cityscapes_keeps_its_order_and_boundaries(tmp_path: Path) -> None:
    state = published_generator(36, (64, 128), n_doublings=6)
    torch.save(state, tmp_path / "G.pth")
    model = import_published(tmp_path / "G.pth", None, None, "cityscapes", tmp_path / "m.safetensors")
    assert model.has_boundary
    assert (model.size, model.model.doublings, model.model.style) == ((64, 128), 6, True)
    layout, style = torch.rand(1, 36, 64, 128), torch.randn(1, 256)
    with torch.no_grad():
        expected = generator_from_published(state, generator_options(state, 2.0, 5))(layout, style)
        torch.testing.assert_close(build_generator(model)(layout, style), expected)


def damaged(change: str) -> object:
    state = published_generator(151, None)
    if change == "entry missing":
        del state["conv_img.bias"]
    elif change == "entry unknown":
        state["up_0.conv_9.weight"] = torch.zeros(1)
    elif change == "wrong shape":
        state["up_0.conv_1.weight"] = torch.zeros(1, 1, 1, 1)
    elif change == "another network":
        return published_discriminator(151)
    elif change == "other channels":
        return published_generator(40, None)
    elif change == "not weights":
        return [1, 2]
    return state


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("entry missing", "Missing key.*to_rgb.bias"),
        ("entry unknown", "entry up_0.conv_9.weight is not one of a published CC-FPSE generator"),
        ("wrong shape", "size mismatch for blocks.up0.conv1.mix.weight"),
        ("another network", "entry conv_img.weight is missing"),
        ("other channels", "takes layouts of 40 channels; ade20k has 151 labels"),
        ("not weights", "does not hold a network's weights"),
    ],
)
def test_other_checkpoints_are_refused_in_one_sentence(change, said, tmp_path: Path) -> None:
    path = tmp_path / "G.pth"
    torch.save(damaged(change), path)
    with pytest.raises(ModelFileError, match=said) as error:
        import_published(path, None, None, "ade20k", tmp_path / "m.safetensors")
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "m.safetensors").exists()


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "touched",)  # type: ignore[return-value]

    torch.save({"conv_img.weight": Evil()}, tmp_path / "G.pth")
    with pytest.raises(ModelFileError, match="holds weights alone"):
        import_published(tmp_path / "G.pth", None, None, "ade20k", tmp_path / "m.safetensors")
    assert not (tmp_path / "touched").exists()


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("weights")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "folder.pth").mkdir()
    for name in ("text", "empty", "folder", "absent"):
        with pytest.raises(ModelFileError, match=f"{name}.pth: "):
            import_published(tmp_path / f"{name}.pth", None, None, "ade20k", tmp_path / "m.safetensors")


def test_networks_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    for name, state in {
        "G": published_generator(151, (64, 64)),
        "D": published_discriminator(36),
        "E": encoder_state_of_another_width(),
    }.items():
        torch.save(state, tmp_path / f"{name}.pth")
    G, D, E = (tmp_path / f"{name}.pth" for name in "GDE")
    with pytest.raises(
        ModelFileError, match=r"D.pth: takes layouts of 36 channels, but the generator of 151"
    ):
        import_published(G, None, D, "ade20k", tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=r"E.pth: has width 3 "):
        import_published(G, E, None, "ade20k", tmp_path / "m.safetensors")


def encoder_state_of_another_width() -> dict[str, Tensor]:
    entries = published_entries("encoder-cityscapes", "E")
    return as_published(StyleEncoder(3), entries, encoder_names(entries))
