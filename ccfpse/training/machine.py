"""On what steps are computed: where that changes, the last digits do."""

from typing import Any

import torch

from ccfpse.native.library import library
from ccfpse.training.processes import Processes


def machine(processes: Processes) -> dict[str, Any]:
    """What decides in which order this process and its fellows add numbers up."""
    device = processes.device
    is_cpu = device.type == "cpu"
    return {
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "kernels": "compiled" if is_cpu and library() is not None else "torch",
        "threads": torch.get_num_threads() if is_cpu else None,
        "processes": processes.count,
    }


def difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """In which entries two differ, as words."""
    changed = [name for name in now if before.get(name) != now[name]]
    return ", ".join(f"{name} {now[name]} instead of {before.get(name)}" for name in changed)
