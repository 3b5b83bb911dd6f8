"""The machine that settings are chosen for."""

import dataclasses

import torch

from ccfpse.device import cores


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """What decides how large a network can be, and how long it may be trained."""

    cores: int
    """That this process may use."""
    gpu: str | None
    gpu_gib: float
    """Memory of the GPU; 0 without one."""

    def __str__(self) -> str:
        if self.gpu is not None:
            return f"{self.gpu}, {self.gpu_gib:.0f} GiB"
        return f"{self.cores} processor core{'s' if self.cores > 1 else ''}, no GPU"


def this_machine() -> Machine:
    """The one this runs on."""
    if not torch.cuda.is_available():
        return Machine(cores(), None, 0.0)
    found = torch.cuda.get_device_properties(0)
    return Machine(cores(), found.name, found.total_memory / 2**30)
