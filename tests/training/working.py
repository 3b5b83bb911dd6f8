"""Work for processes that tests launch: importable, since processes find it by name."""

import os
import signal
import time
from datetime import timedelta

import torch
from torch import distributed

from ccfpse.errors import DataError, NotFinite, TrainingError
from ccfpse.training import processes
from ccfpse.training.processes import together


def share(failing: str) -> None:
    """Meets, then process 1 fails, or both go on for ever."""
    if failing == "pause":
        processes.PATIENCE = timedelta(seconds=20)  # for meeting, too, on a busy machine
    with together("cpu") as found:
        if found.rank == 1 and failing == "data":
            raise DataError("photo.png: is no photo")
        if found.rank == 1 and failing == "bug":
            raise ZeroDivisionError("by zero")
        if found.rank == 1 and failing == "exit":
            os._exit(7)
        if found.rank == 1 and failing == "pause":
            os.kill(os.getpid(), signal.SIGSTOP)
        if failing == "not finite":
            if found.rank == 1:
                raise NotFinite("step 3: the loss x is nan")
            time.sleep(3)  # as if it wrote its checkpoint
            raise TrainingError("step 3: the loss x is nan; go on from here")
        if failing == "differ":
            found.agree(f"step {found.rank}")
        while True:
            distributed.all_reduce(torch.ones(3))
