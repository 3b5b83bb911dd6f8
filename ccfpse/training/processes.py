"""Several training processes as one: how they meet, average and agree, and how they miss one."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from ccfpse.device import pick_device
from ccfpse.errors import ProcessLost, TrainingError
from ccfpse.training.meeting import fresh_store
from ccfpse.training.parent import started

MEETING = "CCFPSE_MEETING"
"""Environment variable: the file through which processes that we ourselves started find each other."""
PATIENCE = timedelta(minutes=10)
"""How long a process waits for one that is there but does not answer; one that died is noticed at once.

Longer than the main process may be busy alone, with a checkpoint or a strip of pictures.
"""


@dataclasses.dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        """The one that writes files and talks."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replaces gradients by their mean over the processes."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        parts = torch.split(flat, [g.numel() for g in gradients])
        torch._foreach_copy_(gradients, [p.view_as(g) for p, g in zip(parts, gradients, strict=True)])

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over the processes."""
        if self.count > 1:
            values = values.clone()
            distributed.all_reduce(values)
            values /= self.count
        return values

    def any(self, flag: bool) -> bool:
        """Whether any process says so, known to all."""
        if self.count == 1:
            return flag
        told = torch.tensor(float(flag), device=self.device)
        distributed.all_reduce(told, op=distributed.ReduceOp.MAX)
        return bool(told.item())

    def agree(self, found: str) -> None:
        """Checks that all processes found the same.

        Raises:
            TrainingError: they did not.
        """
        if self.count == 1:
            return
        all_found: list[str] = [""] * self.count
        distributed.all_gather_object(all_found, found)
        other = next((rank for rank, text in enumerate(all_found) if text != all_found[0]), None)
        if other is not None:
            raise TrainingError(
                f"training process 0 is at {all_found[0]}, process {other} at {all_found[other]}: all need "
                "the same settings, data and code, and an output folder on a disk that they share"
            )


def is_launched() -> bool:
    """Whether torchrun, or we ourselves, started this process as one of several."""
    return "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ


@contextlib.contextmanager
def together(device_name: str) -> Iterator[Processes]:
    """Finds the other processes, if there are any, and parts from them when the block ends.

    Raises:
        TrainingError: the processes that were promised did not meet.
        ProcessLost: one of them died or does not answer any more.
    """
    if not is_launched():
        yield Processes(0, 1, pick_device(device_name))
        return
    processes = _join(device_name)
    peers: list[_Peer] = []
    try:
        peers = _introductions(processes)
        yield processes
    except RuntimeError as error:
        if not _is_of_communication(error):
            raise
        raise ProcessLost(
            f"{_loss(error, peers)}; the same command goes on from the last checkpoint"
        ) from error
    finally:
        distributed.destroy_process_group()


def _join(device_name: str) -> Processes:
    device = pick_device(device_name)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    try:
        if (meeting := os.environ.get(MEETING)) is None:
            found = distributed.rendezvous("env://", timeout=PATIENCE)  # type: ignore[attr-defined]
            store, rank, count = next(found)
            store = fresh_store(store, rank, count, PATIENCE)
        else:
            rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
            store = distributed.FileStore(meeting, count)  # type: ignore[attr-defined]
        distributed.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"the training processes did not meet ({error})") from error
    return Processes(distributed.get_rank(), distributed.get_world_size(), device)


@dataclasses.dataclass(frozen=True)
class _Peer:
    """A process as it introduced itself."""

    node: str
    process: int
    started: str | None

    @property
    def is_seen_dead(self) -> bool:
        """Whether it ran on this machine, and is over."""
        return self.node == os.uname().nodename and started(self.process) != self.started


def _introductions(processes: Processes) -> list[_Peer]:
    """All processes, by rank."""
    found: list[_Peer | None] = [None] * processes.count
    me = os.getpid()
    distributed.all_gather_object(found, _Peer(os.uname().nodename, me, started(me)))
    return [peer for peer in found if peer is not None]


def _is_of_communication(error: RuntimeError) -> bool:
    return isinstance(error, distributed.DistError) or "gloo" in str(
        error
    )  # gloo's have no type of their own


def _loss(error: RuntimeError, peers: list[_Peer]) -> str:
    for _ in range(20):  # a connection may close a moment before its process is over
        for rank, peer in enumerate(peers):
            if peer.is_seen_dead:
                return f"training process {rank} (process {peer.process} on {peer.node}) died"
        time.sleep(0.05)
    if "timed out" in str(error).lower():
        return f"a training process has not answered for {PATIENCE.total_seconds() / 60:g} minutes"
    return "a training process on another machine died, or the connection to it is lost"
