import torch
from torch import nn

from ccfpse.models import SpectralNormConv2d, refresh_spectral_norms


def random_conv() -> SpectralNormConv2d:
    torch.manual_seed(0)
    return SpectralNormConv2d(3, 5, 3)


def largest_singular_value(weight: torch.Tensor) -> torch.Tensor:
    return torch.linalg.svdvals(weight.detach().double().flatten(1))[0]


def test_training_passes_follow_pytorchs_legacy_spectral_norm() -> None:
    ours = random_conv()
    theirs = nn.utils.spectral_norm(nn.Conv2d(3, 5, 3, padding=1, bias=False), eps=1e-12)
    theirs.load_state_dict({"weight_orig": ours.weight, "weight_u": ours.u, "weight_v": ours.v})
    ours, theirs, x = ours.double(), theirs.double(), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    for _ in range(3):
        found, expected = ours(x), theirs(x)
        torch.testing.assert_close(found, expected)
        direction = torch.randn_like(found)
        ours.zero_grad()
        theirs.zero_grad()
        found.backward(direction)
        expected.backward(direction)
        torch.testing.assert_close(ours.weight.grad, theirs.weight_orig.grad)
    torch.testing.assert_close((ours.u, ours.v), (theirs.weight_u, theirs.weight_v))


def test_evaluation_changes_nothing() -> None:
    conv = random_conv().eval()
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    conv(torch.randn(1, 3, 4, 4))
    assert all(torch.equal(before[name], value) for name, value in conv.state_dict().items())


def test_two_forward_passes_before_the_backward_pass_keep_their_own_gradients() -> None:
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    together, apart = random_conv().double(), random_conv().double()
    (together(x).square().sum() + together(x).square().sum()).backward()
    for _ in range(2):
        apart(x).square().sum().backward()
    torch.testing.assert_close(together.weight.grad, apart.weight.grad)


def test_refreshed_norm_is_exact() -> None:
    convs = nn.Sequential(random_conv(), SpectralNormConv2d(5, 2, 1)).eval()
    refresh_spectral_norms(convs)
    for conv in convs:
        normalised = conv.normalised_weight()
        torch.testing.assert_close(largest_singular_value(normalised), torch.tensor(1.0, dtype=torch.float64))


def test_many_power_iterations_find_what_the_svd_finds() -> None:
    conv = random_conv()
    for _ in range(200):
        conv(torch.zeros(1, 3, 1, 1))
    iterated = conv.normalised_weight().detach()
    conv.eval()
    refresh_spectral_norms(conv)
    torch.testing.assert_close(iterated, conv.normalised_weight().detach())


def test_weight_is_divided_in_float32_under_autocast() -> None:
    conv = random_conv().eval()
    expected = conv.normalised_weight()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(conv.normalised_weight(), expected, rtol=0, atol=0)
        strided = SpectralNormConv2d(3, 5, 3, stride=2).eval()
        assert strided(torch.randn(1, 3, 4, 4)).dtype == torch.bfloat16
