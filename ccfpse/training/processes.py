"""Several training processes as one: who they are, how gradients are averaged, how they start and end."""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, nn

from ccfpse.device import pick_device
from ccfpse.errors import CcfpseError, TrainingError, TrainingStopped

_TELLS = "ccfpse tells: "


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


def is_launched() -> bool:
    """Whether torchrun, or we ourselves, started this process as one of several."""
    return "LOCAL_RANK" in os.environ and "WORLD_SIZE" in os.environ


def join(device_name: str) -> Processes:
    """Finds the other processes, if there are any.

    Raises:
        TrainingError: `WORLD_SIZE` processes were promised but did not meet.
    """
    if not is_launched():
        return Processes(0, 1, pick_device(device_name))
    local_rank = int(os.environ["LOCAL_RANK"])
    device = pick_device(device_name)
    if device.type == "cuda":
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"the training processes did not meet ({error})") from error
    return Processes(distributed.get_rank(), distributed.get_world_size(), device)


def leave() -> None:
    """Parts from the other processes."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def launch(count: int, work: Callable[..., None], *arguments: Any) -> None:
    """Runs `work(*arguments)` in `count` processes through torch's launcher and waits for all.

    Raises:
        TrainingError: one of them found a mistake of the user's; the others are ended with it.
        TrainingStopped: a signal ended them, after they had time to save.
        RuntimeError: one of them failed otherwise.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # Threads of several processes on the same cores wait for each other in busy loops.
    threads = max(1, (os.cpu_count() or 1) // count)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id="ccfpse",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        start_method="spawn",
    )
    try:
        elastic_launch(config, _worker)(work, os.getpid(), *arguments)
    except SignalException as error:
        raise TrainingStopped(
            "stopped; the same command goes on from the last checkpoint", 128 + error.sigval
        ) from error
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        said = failure.message["message"] if isinstance(failure.message, dict) else str(failure.message)
        _, found, told = said.partition(_TELLS)
        if not found:
            raise RuntimeError(f"training process {rank} failed: {said}") from error
        raise TrainingError(told) from error


def _worker(work: Callable[..., None], launcher: int, *arguments: Any) -> None:
    from torch.distributed.elastic.multiprocessing.errors import record

    def told() -> None:
        try:
            work(*arguments)
        except CcfpseError as error:
            # Only text crosses to the launcher; the mark tells a sentence from a failure of ours.
            raise RuntimeError(f"{_TELLS}{error}") from error

    _end_with({launcher}, interval_seconds=1.0)
    record(told)()


def end_with_parent(interval_seconds: float = 1.0) -> None:
    """Makes this process end soon after the one that started it, however that one ends.

    A trainer left behind by a killed `dvc` would fight with the next one. Under DVC, the shell
    that DVC starts commands through is watched, and DVC behind it. Elsewhere nothing is watched
    under `nohup` or `setsid`, whose point is to outlive the parent.
    """
    parent = os.getppid()
    if "DVC_STAGE" in os.environ:
        grandparent = _parent_of(parent)
        _end_with({parent} | ({grandparent} if grandparent else set()), interval_seconds)
    elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and os.getsid(0) != os.getpid():
        _end_with({parent}, interval_seconds)


def _end_with(processes: set[int], interval_seconds: float) -> None:
    """Sends this process SIGTERM as soon as one of `processes` is gone; the first of all is left out."""
    watched = {process: _started(process) for process in processes if process > 1}

    def watch() -> None:
        while all(start is not None and _started(process) == start for process, start in watched.items()):
            time.sleep(interval_seconds)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _stat(process: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the command's name: state, parent, ...; None: no such process."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None


def _started(process: int) -> str | None:
    fields = _stat(process)
    return None if fields is None or fields[0] == "Z" else fields[19]


def _parent_of(process: int) -> int | None:
    fields = _stat(process)
    return None if fields is None else int(fields[1])
