import pytest
import torch
import torch.nn.functional as F

from ccfpse.models import ConditionalGenerator, Generator, initialise
from ccfpse.models.condition import Layout

PAPER = {
    "cityscapes": {"n_layout": 36, "n_doublings": 6, "size": (256, 512)},
    "coco-stuff": {"n_layout": 184, "n_doublings": 5, "size": (256, 256)},
    "ade20k": {"n_layout": 151, "n_doublings": 5, "size": (256, 256)},
}


def small(n_layout: int = 5, **options) -> Generator:
    torch.manual_seed(0)
    return ConditionalGenerator(n_layout, **{"width": 2, "predictor_width": 4, "n_doublings": 5} | options)


def random_layout(size: tuple[int, int], n_layout: int = 5, batch: int = 1) -> torch.Tensor:
    torch.manual_seed(1)
    labels = torch.randint(n_layout, (batch, size[0] // 8, size[1] // 8))
    layout = F.one_hot(labels, n_layout).permute(0, 3, 1, 2).float()
    return F.interpolate(layout, size=size, mode="nearest")


@pytest.mark.parametrize(
    ("dataset", "published", "used"),
    [
        ("cityscapes", 128.1, 128029443),
        ("coco-stuff", 141.9, 141913731),
        ("ade20k", 140.7, 140678211),
    ],
)
def test_parameters_are_as_many_as_the_papers(dataset, published, used) -> None:
    """``published`` millions count batch norms that the published code makes and never calls."""
    with torch.device("meta"):
        generator = ConditionalGenerator(style_dim=256, **PAPER[dataset])
    found = sum(parameter.numel() for parameter in generator.parameters())
    unused = 0
    for block in generator.blocks.values():
        n_in, middle = block.conv1.norm.num_features, block.conv2.norm.num_features
        # norm_0 (mid), conv_0 (in) and conv_2 (mid): a scale and a shift for each channel.
        unused += 2 * (middle + n_in + middle)
    assert found == used
    assert round((found + unused) / 1e6, 1) == published


@pytest.mark.parametrize("n_doublings", [5, 6])
@pytest.mark.parametrize("style_dim", [None, 7])
def test_image_has_the_layouts_size_and_range(n_doublings, style_dim) -> None:
    size = (2**n_doublings, 2 * 2**n_doublings)
    generator = small(n_doublings=n_doublings, size=size if style_dim else None, style_dim=style_dim)
    style = torch.randn(2, style_dim) if style_dim else None
    image = generator(random_layout(size, batch=2), style)
    assert image.shape == (2, 3, *size)
    assert image.abs().max() <= 1


def test_without_style_any_multiple_is_a_size() -> None:
    generator = small().eval()
    for size in ((32, 32), (64, 96), (96, 32)):
        assert generator(random_layout(size)).shape[2:] == size


@pytest.mark.parametrize("style_dim", [None, 256])
def test_an_image_does_not_depend_on_its_batch(style_dim) -> None:
    size = (64, 64)
    generator = small(size=size if style_dim else None, style_dim=style_dim).eval()
    layouts = random_layout(size, batch=8)
    styles = torch.randn(8, style_dim) if style_dim else None
    with torch.no_grad():
        alone = [generator(layouts[i : i + 1], styles[i : i + 1] if style_dim else None) for i in range(8)]
        for batch in (3, 8):
            together = generator(layouts[:batch], styles[:batch] if style_dim else None)
            assert torch.equal(together, torch.cat(alone[:batch]))


def test_every_weight_and_only_they_learn() -> None:
    generator = small(size=(64, 64), style_dim=7)
    image = generator(random_layout((64, 64), batch=2), torch.randn(2, 7))
    (image * torch.randn_like(image)).sum().backward()
    assert [name for name, p in generator.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_fine_level_of_the_pyramid_knows_far_parts_of_the_layout() -> None:
    generator = small().eval()
    initialise(generator, torch.Generator().manual_seed(0))
    layout = random_layout((64, 64)).requires_grad_()
    finest = generator.pyramid(Layout.of(layout))[-1]
    finest[0, :, 0, 0].sum().backward()
    assert layout.grad[0, :, 32, 32].any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_doublings": 4}, "n_doublings is 4"),
        ({"size": (64, 64)}, "give both size and style_dim"),
        ({"style_dim": 8}, "give both size and style_dim"),
        (
            {"size": (64, 50), "style_dim": 8},
            "multiples of 32; the nearest sizes that fit are 64x32 or 64x64",
        ),
    ],
)
def test_impossible_options_are_refused(options, said) -> None:
    with pytest.raises(ValueError, match=said):
        small(**options)


@pytest.mark.parametrize(
    ("options", "layout", "style", "said"),
    [
        ({}, (1, 5, 40, 64), None, "40x64 .* nearest sizes that fit are 32x64 or 64x64"),
        ({}, (1, 4, 32, 32), None, r"must be \(B, 5, H, W\)"),
        ({}, (1, 5, 32, 32), (1, 7), "style is .* needs None"),
        ({"size": (32, 32), "style_dim": 7}, (1, 5, 64, 64), (1, 7), "the one size 32x32"),
        ({"size": (32, 32), "style_dim": 7}, (2, 5, 32, 32), (1, 7), r"needs \(2, 7\)"),
        ({"size": (32, 32), "style_dim": 7}, (2, 5, 32, 32), None, "style is None"),
    ],
)
def test_input_that_does_not_fit_is_refused(options, layout, style, said) -> None:
    with pytest.raises(ValueError, match=said):
        small(**options)(torch.zeros(layout), None if style is None else torch.zeros(style))
