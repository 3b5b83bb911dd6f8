"""SPADE, pix2pixHD and PatchGAN: sizes, numbers of parameters, what they refuse. Numbers: tests/parity."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.models import PatchDiscriminator, Pix2PixHdGenerator, SpadeGenerator, initialise


def layout(K: int, size: tuple[int, int], batch: int = 2) -> Tensor:
    torch.manual_seed(1)
    return F.one_hot(torch.randint(K, (batch, *size)), K).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize(
    ("made", "size"),
    [
        (SpadeGenerator(5, width=2, hidden=4, n_doublings=5), (64, 96)),
        (SpadeGenerator(5, width=2, hidden=4, n_doublings=6), (64, 128)),
        (Pix2PixHdGenerator(5, width=2), (48, 80)),
    ],
    ids=["spade 5", "spade 6", "pix2pixhd"],
)
def test_photos_have_the_layouts_size_and_do_not_depend_on_their_batch(made, size) -> None:
    made.eval()
    initialise(made, torch.Generator().manual_seed(0))
    seen = layout(5, size)
    with torch.no_grad():
        together = made(seen)
        assert together.shape == (2, 3, *size)
        assert together.abs().max() <= 1
        assert torch.equal(made(seen[1:]), together[1:])
        # What is here does depend on what is in the layout there.
        other = seen.clone()
        other[:, :, :8] = other[:, :, :8].roll(1, dims=1)
        assert not torch.equal(made(other), together)


def test_papers_numbers_of_parameters() -> None:
    with torch.device("meta"):
        spade = SpadeGenerator(36, n_doublings=6, size=(256, 512), style_dim=256)
        pix2pixhd = Pix2PixHdGenerator(36)
        patchgan = PatchDiscriminator(36)
    count = {n: sum(p.numel() for p in n.parameters()) / 1e6 for n in (spade, pix2pixhd, patchgan)}
    # Park et al. 2019, appendix: 93.0 M without style for Cityscapes; the linear start instead of a
    # convolution adds 8.1 M. Wang et al. 2018's code: 182.5 M.
    assert count[pix2pixhd] == pytest.approx(182.5, abs=0.1)
    assert count[patchgan] == pytest.approx(5.6, abs=0.1)
    assert count[spade] == pytest.approx(101.0, abs=0.5)


@pytest.mark.parametrize(
    ("made", "shape", "said"),
    [
        (Pix2PixHdGenerator(5, width=2), (1, 5, 40, 64), "nearest sizes that fit are 32x64 or 48x64"),
        (Pix2PixHdGenerator(5, width=2), (1, 5, 16, 64), "too small for pix2pixHD"),
        (Pix2PixHdGenerator(5, width=2), (1, 4, 64, 64), r"must be \(B, 5, H, W\)"),
        (SpadeGenerator(5, width=2, n_doublings=5), (1, 5, 48, 64), "nearest sizes that fit"),
    ],
)
def test_layouts_that_do_not_fit_are_refused(made, shape, said) -> None:
    with pytest.raises(ValueError, match=said):
        made(torch.zeros(shape))


def test_patches_are_scored_at_two_scales_and_batches_share_their_layouts() -> None:
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(5, width=4).double().eval()
    seen, fake = layout(5, (64, 96)).double(), torch.rand(2, 3, 64, 96).double() * 2 - 1
    real = -fake.flip(3)
    scores, features = discriminator(torch.cat([fake, real]), seen)
    assert [tuple(score.shape) for score in scores] == [(4, 1, 11, 15), (4, 1, 7, 9)]
    assert [[f.shape[1] for f in group] for group in features] == [[4, 8, 16, 32]] * 2
    apart = [discriminator(image, seen)[0] for image in (fake, real)]
    for score, of_fake, of_real in zip(scores, *apart, strict=True):
        torch.testing.assert_close(score, torch.cat([of_fake, of_real]))
    other = seen.flip(3)
    assert not torch.allclose(discriminator(fake, other)[0][0], apart[0][0])
    for group, expected in zip(discriminator.features(fake, seen), features, strict=True):
        for feature, both in zip(group, expected, strict=True):
            torch.testing.assert_close(feature, both[:2])


def test_channels_of_patchgan_end_at_512() -> None:
    with torch.device("meta"):
        scale = PatchDiscriminator(3, width=128).scales[0]
    assert [unit.conv.out_channels for unit in scale.middle] == [256, 512, 512]


def test_photos_too_small_for_patches_are_refused() -> None:
    with pytest.raises(ValueError, match="too small for PatchGAN"):
        PatchDiscriminator(5, width=4)(torch.zeros(1, 3, 16, 64), torch.zeros(1, 5, 16, 64))
