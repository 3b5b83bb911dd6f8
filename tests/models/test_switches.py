"""Every switch of the generator changes what it says and nothing else."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.models import ConditionalGenerator, initialise
from ccfpse.models.block import ConditionalConv
from ccfpse.models.condition import Layout
from ccfpse.ops import choice

K, WIDTH, HIDDEN, SIZE = 5, 3, 4, (64, 64)


def generator(**switches) -> ConditionalGenerator:
    torch.manual_seed(0)
    made = ConditionalGenerator(K, width=WIDTH, predictor_width=HIDDEN, n_doublings=5, **switches).eval()
    initialise(made, torch.Generator().manual_seed(0))
    for parameter in made.parameters():
        parameter.data *= 20  # so that everything has some influence
    return made


def layout() -> Tensor:
    torch.manual_seed(1)
    return F.one_hot(torch.randint(K, (1, *SIZE)), K).permute(0, 3, 1, 2).float()


def shapes(made: ConditionalGenerator) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in made.state_dict().items()}


def test_without_attention_the_gates_are_missing_and_nothing_else() -> None:
    usual, found = shapes(generator()), shapes(generator(has_gates=False))
    assert found == {name: shape for name, shape in usual.items() if ".gate." not in name}


def test_learned_kernels_stand_where_predicted_ones_were() -> None:
    usual, found = shapes(generator()), shapes(generator(has_kernels=False))
    others = {name: shape for name, shape in usual.items() if ".kernels." not in name}
    assert {name: shape for name, shape in found.items() if ".kernels." not in name} == others
    learned = {name: shape for name, shape in found.items() if ".kernels." in name}
    assert set(learned) == {
        f"blocks.{block}.{conv}.kernels.weight" for block in generator().blocks for conv in ("conv1", "conv2")
    }
    assert all(shape[1:] == (1, 3, 3) for shape in learned.values())


def test_the_kernels_size_is_that_of_the_predicted_numbers() -> None:
    usual, found = shapes(generator()), shapes(generator(kernel_size=5))
    changed = {name for name in usual if usual[name] != found[name]}
    assert usual.keys() == found.keys()
    assert changed == {name for name in usual if ".kernels.last." in name}
    assert all(25 * usual[name][0] == 9 * found[name][0] for name in changed)


def test_local_context_has_no_pyramid_and_predictors_of_the_layout_alone() -> None:
    usual, found = shapes(generator()), shapes(generator(has_pyramid=False))
    assert found.keys() == {name for name in usual if not name.startswith("pyramid.")}
    changed = {name for name in found if usual[name] != found[name]}
    first = (".first.weight", ".shared.weight")
    assert changed == {name for name in found if name.endswith(first)}
    assert all((usual[name][1], found[name][1]) == (K + WIDTH, K) for name in changed)


@pytest.mark.parametrize(("has_pyramid", "sees_far"), [(False, False), (True, True)])
def test_how_far_kernels_and_gates_see(monkeypatch, has_pyramid, sees_far) -> None:
    monkeypatch.setattr(choice, "library", lambda: None)
    made, seen = generator(has_pyramid=has_pyramid), layout()
    conv = made.blocks["up3"].conv1  # at full size
    y, x = 30, 33

    def predicted(seen: Tensor) -> Tensor:
        condition = made._conditions(Layout.of(seen))[-1].features
        return torch.cat([p.last(F.relu(p.first(condition)))[0, :, y, x] for p in (conv.kernels, conv.gate)])

    near, far = seen.clone(), seen.clone()
    near[:, :, y + 2, x - 2] = near[:, :, y + 2, x - 2].roll(1, dims=1)
    far[:, :, : y - 2] = far[:, :, : y - 2].roll(1, dims=1)  # three rows above, and all beyond
    with torch.no_grad():
        before = predicted(seen)
        assert not torch.equal(predicted(near), before)
        assert torch.equal(predicted(far), before) != sees_far


def with_weights_of(made: ConditionalGenerator, usual: ConditionalGenerator) -> ConditionalGenerator:
    state = usual.state_dict()
    for name, tensor in made.state_dict().items():
        if name in state and tensor.shape == state[name].shape:
            tensor.copy_(state[name])
    return made


def convs(made: ConditionalGenerator) -> list[tuple[str, torch.nn.Module]]:
    return [(name, m) for name, m in made.named_modules() if isinstance(m, ConditionalConv)]


def assert_same_photo(usual: ConditionalGenerator, other: ConditionalGenerator) -> None:
    with torch.no_grad():  # in training mode, where batch norm keeps everything within bounds
        expected = usual.train()(layout())
        assert 0.01 < expected.std() < 0.95
        torch.testing.assert_close(other.train()(layout()), expected, atol=1e-4, rtol=1e-4)


def test_gates_that_are_all_open_are_no_gates() -> None:
    usual = generator()
    for _, conv in convs(usual):
        conv.gate.last.weight.data.zero_()
        conv.gate.last.bias.data.fill_(30)
    assert_same_photo(usual, with_weights_of(generator(has_gates=False), usual))


def test_predicted_kernels_that_are_constant_are_learned_ones() -> None:
    usual = generator()
    other = with_weights_of(generator(has_kernels=False), usual)
    for (_, conv), (_, learned) in zip(convs(usual), convs(other), strict=True):
        conv.kernels.last.weight.data.zero_()
        taps = torch.randn(learned.kernels.weight.shape)
        conv.kernels.last.bias.data.copy_(taps.flatten())
        learned.kernels.weight.data.copy_(taps)
    assert_same_photo(usual, other)


def test_larger_kernels_with_an_empty_margin_are_the_usual_ones() -> None:
    usual = generator()
    other = with_weights_of(generator(kernel_size=5), usual)
    for (_, conv), (_, large) in zip(convs(usual), convs(other), strict=True):
        for small, into in zip(conv.kernels.last.parameters(), large.kernels.last.parameters(), strict=True):
            into.data.zero_()
            C = len(small) // 9
            into.data.view(C, 5, 5, -1)[:, 1:4, 1:4] = small.data.view(C, 3, 3, -1)
    assert_same_photo(usual, other)


def test_a_pyramid_that_nothing_reads_is_local_context() -> None:
    usual, other = generator(), generator(has_pyramid=False)
    with_weights_of(other, usual)
    state = usual.state_dict()
    for name, tensor in other.state_dict().items():
        if tensor.dim() == 4 and tensor.shape != state[name].shape:
            state[name][:, K:] = 0
            tensor.copy_(state[name][:, :K])
    assert_same_photo(usual, other)
