"""Peak memory of some work beyond its networks' weights and optimisers, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import networks


def peak_megabytes(kind: str, preset: str, name: str, side: str, threads: int) -> float:
    """Of one inference (`inference`), or of a second training step (`training`), by `reference` or `fast`.

    The process's peak, less what it had before the networks were made, less the bytes of weights,
    gradients and optimiser states: what is left is the work's.
    """
    command = [sys.executable, "-m", "benchmarks.memory", kind, preset, name, side, str(threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(ended.stdout.splitlines()[-1]))


def _main() -> None:
    kind, preset, name, side, threads = sys.argv[1:]
    import torch

    torch.set_num_threads(int(threads))
    before = _status("VmRSS")
    pairs = {"inference": networks.inference_pair, "training": networks.training_pair}
    work = pairs[kind](preset, name, only=side)[("reference", "fast").index(side)]
    if kind == "training":
        work()  # so that the optimisers have their state
    _forget_peak()
    work()
    print(json.dumps((_status("VmHWM") - before) / 1024 - networks.state_megabytes(kind, preset)))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _status(key: str) -> int:
    """Kilobytes."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1])


if __name__ == "__main__":
    _main()
