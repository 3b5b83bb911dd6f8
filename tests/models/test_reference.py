"""The generator in use against `generate_reference`, the paper written down."""

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.models import (
    ConditionalGenerator,
    Generator,
    SpadeGenerator,
    initialise,
    refresh_spectral_norms,
)
from ccfpse.models.reference import generate_reference
from ccfpse.ops import choice, plain

SIZE, STYLE = (64, 128), 6


@pytest.fixture(params=["compiled", "strips", "kept"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which form the operations take."""
    library = request.getfixturevalue("compiled") if request.param == "compiled" else None
    monkeypatch.setattr(choice, "library", lambda: library)
    monkeypatch.setattr(plain, "_STRIP_BYTES", {"cpu": 1 << 12})
    monkeypatch.setattr(plain, "_KEPT_BYTES", 0 if request.param == "strips" else 1 << 30)
    return request.param


def generator(n_layout: int, *, style: bool, **options) -> ConditionalGenerator:
    torch.manual_seed(0)
    size = {"size": SIZE, "style_dim": STYLE} if style else {}
    options = {"n_doublings": 5} | options | size
    return as_trained(ConditionalGenerator(n_layout, width=4, predictor_width=12, **options))


def as_trained(made: Generator) -> Generator:
    """Weights and running statistics as after some training, none of them at its start."""
    initialise(made, torch.Generator().manual_seed(0))
    for name, tensor in made.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.3, 2)
        elif name.endswith("norm.weight"):
            tensor.normal_(1, 0.2)
        elif name.endswith(("running_mean", ".bias")):
            tensor.normal_(0.1, 0.2)
        elif name.endswith(".weight"):
            tensor.normal_(0, 0.7 * tensor[0].numel() ** -0.5)
    refresh_spectral_norms(made)
    made.to_rgb.weight.data *= 0.5  # or every pixel would be black or white
    return made


def layout(n_layout: int, boundary: bool, batch: int = 2) -> Tensor:
    torch.manual_seed(1)
    H, W = SIZE
    labels = torch.randint(n_layout - boundary, (batch, H // 8, W // 8))
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    one_hot = F.one_hot(labels, n_layout - boundary).permute(0, 3, 1, 2).float()
    return torch.cat([one_hot, (torch.rand(batch, 1, H, W) < 0.2).float()], dim=1) if boundary else one_hot


NETWORKS = pytest.mark.parametrize(
    ("style", "boundary", "options"),
    [
        (True, True, {}),
        (False, False, {}),
        (False, True, {"n_doublings": 6}),
        (False, True, {"has_pyramid": False}),
        (False, True, {"has_gates": False}),
        (False, True, {"has_kernels": False, "kernel_size": 5}),
        (False, True, {"kernel_size": 1}),
        (False, True, {"kernel_size": 5}),
    ],
    ids=["style", "no boundary", "six doublings", "local", "no gates", "learned 5x5", "1x1", "5x5"],
)


def off_by(found: Tensor, expected: Tensor) -> float:
    """Largest error as a share of the largest value."""
    return float((found.double() - expected.double()).abs().max() / expected.abs().max())


@NETWORKS
def test_images_are_the_references(form, style, boundary, options) -> None:
    network = generator(7, style=style, **options).eval()
    seen, z = layout(7, boundary), torch.randn(2, STYLE) if style else None
    with torch.no_grad():
        exact = copy.deepcopy(network).double()
        expected = generate_reference(exact, seen.double(), None if z is None else z.double())
        assert 0.01 < expected.std() < 0.95  # neither flat nor saturated
        assert off_by(network(seen, z), expected) < 1e-4
    # With gradients asked for, nothing is folded.
    assert off_by(network(seen, z).detach(), expected) < 1e-4


@NETWORKS
def test_training_passes_are_the_references(form, style, boundary, options) -> None:
    ours = generator(7, style=style, **options).train()
    theirs = copy.deepcopy(ours).double()
    seen, z = layout(7, boundary), torch.randn(2, STYLE) if style else None
    found, expected, direction = run(ours, theirs, seen, z)
    assert off_by(found, expected) < 1e-4
    grads = gradients(ours, found, direction)
    # As a whole: a feature near a kink may be on its other side.
    wanted = gradients(theirs, expected, direction.double())
    for name in substantial(wanted):
        assert (grads[name] - wanted[name]).norm() <= 0.03 * wanted[name].norm(), name
    for name, wanted in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name].double(), wanted.double(), atol=1e-4, rtol=1e-4)


@NETWORKS
@pytest.mark.parametrize("kept", [0, 1 << 30], ids=["strips", "kept"])
def test_training_passes_are_exact_in_float64(monkeypatch, kept, style, boundary, options) -> None:
    monkeypatch.setattr(plain, "_STRIP_BYTES", {"cpu": 1 << 12})
    monkeypatch.setattr(plain, "_KEPT_BYTES", kept)
    ours = generator(7, style=style, **options).double().train()
    theirs = copy.deepcopy(ours)
    seen, z = layout(7, boundary).double(), torch.randn(2, STYLE).double() if style else None
    found, expected, direction = run(ours, theirs, seen, z)
    assert off_by(found, expected) < 1e-12
    grads = gradients(ours, found, direction)
    wanted = gradients(theirs, expected, direction)
    assert max(off_by(grads[name], wanted[name]) for name in substantial(wanted)) < 1e-9


def run(ours: Generator, theirs: Generator, seen: Tensor, z: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    dtype = next(theirs.parameters()).dtype
    found = ours(seen, z)
    expected = generate_reference(theirs, seen.to(dtype), None if z is None else z.to(dtype))
    return found, expected, torch.randn_like(found)


def substantial(named: dict[str, Tensor]) -> list[str]:
    """Gradients that are more than rounding: a bias before a batch norm has none, for example."""
    largest = max(gradient.abs().max() for gradient in named.values())
    return [name for name, gradient in named.items() if gradient.abs().max() > 1e-8 * largest]


def gradients(network: Generator, image: Tensor, direction: Tensor) -> dict[str, Tensor]:
    named = {name: p for name, p in network.named_parameters() if p.numel()}
    found = torch.autograd.grad(image, list(named.values()), direction)
    return dict(zip(named, found, strict=True))


@pytest.mark.parametrize("style", [False, True])
def test_spade_is_the_same_in_every_form(compiled, monkeypatch, style) -> None:
    torch.manual_seed(0)
    size = {"size": SIZE, "style_dim": STYLE} if style else {}
    network = as_trained(SpadeGenerator(7, width=4, hidden=12, n_doublings=5, **size)).train()
    seen, z = layout(7, True), torch.randn(2, STYLE) if style else None
    exact, given = copy.deepcopy(network).double(), [t if t is None else t.double() for t in (seen, z)]
    expected = exact(*given)
    direction = torch.randn_like(expected)
    wanted = gradients(exact, expected, direction)
    for library in (compiled, None):
        monkeypatch.setattr(choice, "library", lambda library=library: library)
        ours = copy.deepcopy(network)
        found = ours(seen, z)
        assert off_by(found, expected) < 1e-4
        grads = gradients(ours, found, direction.float())
        for name in substantial(wanted):
            assert (grads[name] - wanted[name]).norm() <= 0.03 * wanted[name].norm(), name
        with torch.no_grad():
            assert (
                off_by(ours.eval()(seen, z), exact.eval()(seen.double(), None if z is None else z.double()))
                < 1e-4
            )
        exact.train()


def test_the_layouts_gradient_is_the_references(compiled, monkeypatch) -> None:
    monkeypatch.setattr(choice, "library", lambda: compiled)
    network = generator(7, style=False).eval()
    seen = layout(7, True).requires_grad_()
    direction = torch.randn(2, 3, *SIZE)
    found, expected = (
        torch.autograd.grad(image, seen, direction)[0]
        for image in (network(seen), generate_reference(network, seen))
    )
    assert (found - expected).norm() < 1e-3 * expected.norm()


def test_an_image_is_the_same_in_every_batch_and_every_time(compiled, monkeypatch) -> None:
    monkeypatch.setattr(choice, "library", lambda: compiled)
    network, seen = generator(7, style=False).eval(), layout(7, True, batch=3)
    with torch.no_grad():
        together = network(seen)
        assert torch.equal(network(seen), together)
        assert all(torch.equal(network(seen[i : i + 1])[0], together[i]) for i in range(3))


def test_the_backward_pass_keeps_no_hidden_feature_and_no_predicted_number(compiled, monkeypatch) -> None:
    monkeypatch.setattr(choice, "library", lambda: compiled)
    network, seen = generator(7, style=False).train(), layout(7, True)
    ours, theirs = kept_bytes(lambda: network(seen)), kept_bytes(lambda: generate_reference(network, seen))
    assert ours < theirs / 4


def kept_bytes(generate: Callable[[], Tensor]) -> int:
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        image = generate()
    assert image.requires_grad
    return sum(kept.values())
