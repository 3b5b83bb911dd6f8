import pytest
import torch
import torch.nn.functional as F

from ccfpse.models import Discriminator, PyramidDiscriminator, StyleEncoder


def small(n_layout: int = 5) -> Discriminator:
    torch.manual_seed(0)
    return PyramidDiscriminator(n_layout, width=4).double().eval()


def random_input(batch: int = 2, size: tuple[int, int] = (64, 96)) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    image = torch.rand(batch, 3, *size, dtype=torch.float64) * 2 - 1
    labels = torch.randint(5, (batch, *size))
    return image, F.one_hot(labels, 5).permute(0, 3, 1, 2).double()


def test_scores_and_features_have_the_papers_scales() -> None:
    scores, features = small()(*random_input())
    assert [tuple(score.shape) for score in scores] == [(2, 1, 16, 24), (2, 1, 8, 12), (2, 1, 4, 6)]
    assert [tuple(feature.shape[2:]) for [feature] in features] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert [feature.shape[1] for [feature] in features] == [8, 16, 32, 32]


def test_batches_one_after_the_other_share_the_layouts() -> None:
    discriminator = small()
    fake, layout = random_input()
    real = -fake.flip(3)
    together, _ = discriminator(torch.cat([fake, real]), layout)
    apart = [discriminator(image, layout)[0] for image in (fake, real)]
    for score, of_fake, of_real in zip(together, *apart, strict=True):
        torch.testing.assert_close(score, torch.cat([of_fake, of_real]))


def test_pooling_first_equals_embedding_at_full_size() -> None:
    discriminator = small()
    image, layout = random_input()
    scores, features = discriminator(image, layout)
    embedded = discriminator.embedding(layout)  # as the paper draws it: full size, then pooled
    for score, level in zip(scores, discriminator._top_down([level for [level] in features]), strict=True):
        pooled = F.adaptive_avg_pool2d(embedded, level.shape[2:])
        match = (discriminator.semantics(level) * pooled).sum(dim=1, keepdim=True)
        torch.testing.assert_close(score, discriminator.truth(level) + match)


def test_paper_size_has_the_papers_parameters() -> None:
    with torch.device("meta"):
        discriminator = PyramidDiscriminator(36, 64)
    assert round(sum(p.numel() for p in discriminator.parameters()) / 1e6, 1) == 5.2


@pytest.mark.parametrize(
    ("image", "layout", "said"),
    [
        ((2, 3, 64, 64), (2, 4, 64, 64), r"must be \(B, 5, H, W\)"),
        ((3, 3, 64, 64), (2, 5, 64, 64), r"needs \(n·2, 3, 64, 64\)"),
        ((2, 3, 64, 32), (2, 5, 64, 64), r"needs \(n·2, 3, 64, 64\)"),
        ((1, 3, 64, 80), (1, 5, 64, 80), "nearest sizes that fit are 64x64 or 64x96"),
        ((1, 3, 32, 32), (1, 5, 32, 32), "too small"),
    ],
)
def test_input_that_does_not_fit_is_refused(image, layout, said) -> None:
    with pytest.raises(ValueError, match=said):
        small()(torch.zeros(image).double(), torch.zeros(layout).double())


def test_encoder_takes_images_of_any_size() -> None:
    encoder = StyleEncoder(width=2, style_dim=6)
    for size in ((256, 256), (40, 90)):
        mu, logvar = encoder(torch.rand(2, 3, *size))
        assert mu.shape == logvar.shape == (2, 6)


def test_a_style_does_not_depend_on_its_batch() -> None:
    encoder = StyleEncoder(width=4, style_dim=6).eval()
    images = torch.rand(3, 3, 64, 64)
    together = torch.stack(encoder(images))
    alone = torch.cat([torch.stack(encoder(images[i : i + 1])) for i in range(3)], dim=1)
    assert torch.equal(together, alone)


def test_encoder_of_the_paper_has_its_parameters() -> None:
    with torch.device("meta"):
        encoder = StyleEncoder()
    assert round(sum(p.numel() for p in encoder.parameters()) / 1e6, 2) == 10.46
