"""Which device the work runs on, and in which precision."""

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Literal

import torch

from ccfpse.errors import SettingsError

Precision = Literal["float32", "bf16"]


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pick_device(name: str) -> torch.device:
    """The device called `name`; `auto` takes a GPU where there is one.

    Raises:
        SettingsError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"device {name} cannot be used here ({reason}); use auto or cpu") from error
    return device


def precision_context(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 for `bf16`, nothing for `float32`.

    Casts of weights are cached only inside one such context: open a new one for every forward
    pass after a change of weights or of gradient mode.
    """
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()
