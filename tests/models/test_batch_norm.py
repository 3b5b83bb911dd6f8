import os
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from torch import distributed, nn

from ccfpse.models import BatchNorm2d


def whole_batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return 3 + 2 * torch.randn(5, 4, 3, 2, dtype=torch.float64), torch.randn(5, 4, 3, 2, dtype=torch.float64)


def test_one_process_is_pytorchs_own() -> None:
    x, _ = whole_batch()
    ours, theirs = BatchNorm2d(4).double(), nn.BatchNorm2d(4).double()
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def run_part(rank: int, split: list[int], affine: bool, port: int, folder: str) -> None:
    """One process: its part of the batch, results saved for comparison."""
    torch.set_num_threads(1)
    store = distributed.TCPStore("127.0.0.1", port)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=len(split))
    x, direction = (t.split(split)[rank].clone() for t in whole_batch())
    norm = BatchNorm2d(4, affine=affine).double()
    y = norm(x.requires_grad_())
    # Not linear in y, so that the gradient through mean and variance matters.
    (y.square() * direction).sum().backward()
    gradients = [parameter.grad for parameter in norm.parameters()]
    torch.save((y.detach(), x.grad, gradients, dict(norm.state_dict())), Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize("affine", [True, False])
def test_processes_with_uneven_parts_equal_one_with_the_whole_batch(affine, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    split = [4, 1]
    meeting = distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    mp.spawn(run_part, (split, affine, meeting.port, str(tmp_path)), nprocs=len(split))
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(len(split))]

    x, direction = whole_batch()
    norm = nn.BatchNorm2d(4, affine=affine).double()
    y = norm(x.requires_grad_())
    (y.square() * direction).sum().backward()
    torch.testing.assert_close(torch.cat([part[0] for part in parts]), y.detach())
    torch.testing.assert_close(torch.cat([part[1] for part in parts]), x.grad)
    for i, parameter in enumerate(norm.parameters()):
        torch.testing.assert_close(sum(part[2][i] for part in parts), parameter.grad)
    for part in parts:
        torch.testing.assert_close(part[3], dict(norm.state_dict()))


def test_channels_last_has_the_digits_of_any_other_order() -> None:
    """PyTorch's own adds up such maps in float32: errors of 1e-5 to 2e-4, enough to move many ReLUs."""
    torch.manual_seed(0)
    x = (0.5 * torch.randn(2, 16, 128, 128) + 3).to(memory_format=torch.channels_last)
    ours, exact = BatchNorm2d(16), torch.nn.BatchNorm2d(16).double()
    direction = torch.randn(x.shape)
    found, expected = ours(x.requires_grad_()), exact(wide := x.detach().double().requires_grad_())
    torch.testing.assert_close(found.double(), expected, atol=3e-6, rtol=0)
    again = ours.lazily(x).again
    assert torch.equal(again.compute(*again.needs), found)
    (gradient,) = torch.autograd.grad(found, x, direction)
    (wanted,) = torch.autograd.grad(expected, wide, direction.double())
    torch.testing.assert_close(gradient.double(), wanted, atol=1e-4, rtol=0)
    fresh = BatchNorm2d(16)
    fresh(x)
    torch.testing.assert_close(fresh.running_var.double(), exact.running_var, atol=1e-6, rtol=0)
