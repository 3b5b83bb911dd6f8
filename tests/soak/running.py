"""Training commands that tests start, watch and kill."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

TRAIN = ("-m", "ccfpse_cli", "train", "--params", "params.yaml")


class Command:
    """A command in a session of its own, whose standard error goes to a file."""

    def __init__(self, arguments: Sequence[str], folder: Path, name: str = "log") -> None:
        self._log = folder / f"{name}.txt"
        with self._log.open("w") as log:
            self.started = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
                stderr=log,
                stdout=log,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def ends(self) -> int:
        """Waits; gives the exit code. Five minutes are far more than any of them needs."""
        return self.started.wait(300)

    def workers(self) -> list[int]:
        """Its training processes, in the order they were started."""
        found = []
        _, _, own = process_of(self.started.pid) or (0, "", b"")
        for process in _processes():
            parent, _, arguments = process_of(process) or (0, "", b"")
            # Until it begins a program of its own, whatever the command starts has the command's arguments.
            if parent != self.started.pid or arguments == own:
                continue
            if b"spawn_main" in arguments or b"ccfpse_cli" in arguments:
                found.append(process)
        return sorted(found)

    def kill(self) -> None:
        """Ends it and all that it started, if they are still there."""
        for process in (*self.workers(), self.started.pid):
            if self.started.poll() is None or process != self.started.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, 9)
        self.started.wait()


def torchrun(*options: str) -> tuple[str, ...]:
    return ("-m", "torch.distributed.run", *options, *TRAIN)


def checkpoints(folder: Path) -> set[str]:
    return {path.name for path in folder.glob(".training.partial-*/step-*.pt")}


def wait_for_new_checkpoint(command: Command, folder: Path, known: set[str]) -> None:
    while not checkpoints(folder) - known:
        assert command.started.poll() is None, command.said
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    found = process_of(process)
    return found is not None and found[1] not in "ZX"


def all_end(processes: Sequence[int]) -> bool:
    """Within a minute, which is far more than they need."""
    for _ in range(600):
        if not any(map(is_alive, processes)):
            return True
        time.sleep(0.1)
    return False


def process_of(process: int) -> tuple[int, str, bytes] | None:
    """Parent, state and command line of a process."""
    folder = Path(f"/proc/{process}")
    try:
        fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return int(fields[1]), fields[0], (folder / "cmdline").read_bytes()
    except OSError:
        return None


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
