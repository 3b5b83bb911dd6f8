"""The authors' files are read in the forms they come in; others are refused in a sentence."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ccfpse.errors import ModelFileError
from ccfpse.segmenters.layers import unit
from ccfpse.segmenters.weights import filled, load_published
from tests.segmenters.published_files import write

EXPECTED = "TinyNet for toys, tiny.pth of its authors"


class TinyNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = unit(3, 4, 3)
        self.seg = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.seg(self.first(x))
        return found


@pytest.fixture
def trained() -> TinyNet:
    torch.manual_seed(0)
    network = TinyNet()
    network(torch.randn(2, 3, 8, 8))  # running statistics of its own
    return network.eval()


@pytest.mark.parametrize("form", ["plain", "wrapped", "parallel", "wrapped parallel", "old", "double"])
def test_a_file_is_read_in_the_forms_it_comes_in(form: str, trained: TinyNet, tmp_path: Path) -> None:
    content: dict[str, object] = dict(trained.state_dict())
    if "parallel" in form:
        content = {f"module.{name}": value for name, value in content.items()}
    if form == "old":
        content = {name: value for name, value in content.items() if "num_batches" not in name}
    if form == "double":
        content = {name: value.double() for name, value in trained.state_dict().items()}
    if "wrapped" in form:
        content = {"epoch": 3, "arch": "tiny", "state_dict": content}
    found = load_published(TinyNet, write(tmp_path / "tiny.pth.tar", content), EXPECTED)
    x = torch.randn(1, 3, 5, 6)
    torch.testing.assert_close(found(x), trained(x))


def test_bookkeeping_of_synchronised_batch_norms_is_left_out(trained: TinyNet) -> None:
    extra = {f"first.1.{name}": torch.ones(4) for name in ("_tmp_running_mean", "_tmp_running_var")}
    state = trained.state_dict() | extra | {"first.1._running_iter": torch.ones(1)}
    x = torch.randn(1, 3, 5, 6)
    torch.testing.assert_close(filled(TinyNet, state)(x), trained(x))


def test_the_network_is_frozen_and_evaluates(trained: TinyNet) -> None:
    network = filled(TinyNet, trained.state_dict())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_reading_weights_leaves_the_source_of_randomness_alone(trained: TinyNet) -> None:
    before = torch.random.get_rng_state()
    filled(TinyNet, trained.state_dict())
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("other network", r"lacks entry first\.0\.weight \(4x3x3x3\) and 6 more"),
        ("one missing", r"lacks entry seg\.bias \(2\);"),
        ("one more", r"has the unexpected entry aux\.weight \(1x2\);"),
        ("wrong shape", r"has another shape of entry seg\.weight \(5x4x1x1 instead of 2x4x1x1\) and 1 more;"),
        ("not weights", "does not hold a network's weights by name"),
        ("a list", "does not hold a network's weights by name"),
    ],
)
def test_another_file_is_refused_with_what_was_expected(
    change: str, said: str, trained: TinyNet, tmp_path: Path
) -> None:
    state: dict[str, object] = dict(trained.state_dict())
    contents = {
        "other network": {"conv.weight": torch.zeros(1)},
        "one missing": {name: value for name, value in state.items() if name != "seg.bias"},
        "one more": state | {"aux.weight": torch.zeros(1, 2)},
        "wrong shape": state | {"seg.weight": torch.zeros(5, 4, 1, 1), "seg.bias": torch.zeros(5)},
        "not weights": {"seg.weight": 3},
        "a list": [torch.zeros(1)],
    }
    path = write(tmp_path / "tiny.pth", contents[change])
    with pytest.raises(ModelFileError, match=said) as caught:
        load_published(TinyNet, path, EXPECTED)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith(f"; give {EXPECTED}")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_checkpoints_are_refused(trained: TinyNet, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.pth", trained.state_dict()).read_bytes()
    (tmp_path / "truncated.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pth").write_text("weights")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "folder.pth").mkdir()
    for name in ("truncated", "text", "empty", "folder", "absent"):
        with pytest.raises(ModelFileError, match=f"{name}.pth: .*; give {EXPECTED}"):
            load_published(TinyNet, tmp_path / f"{name}.pth", EXPECTED)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "touched",)

    path = write(tmp_path / "tiny.pth", {"seg.weight": Evil()})
    with pytest.raises(ModelFileError, match="no checkpoint that holds weights alone"):
        load_published(TinyNet, path, EXPECTED)
    assert not (tmp_path / "touched").exists()
