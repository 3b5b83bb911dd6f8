"""Peak memory of some work, each in a process of its own; ours with the memory settings of `ccfpse`."""

import json
import subprocess
import sys

from benchmarks import networks
from benchmarks.networks import generate_fast, inference_pair, training_step
from benchmarks.peak import forget_peak, peak
from ccfpse.memory import return_large_pieces
from ccfpse.models.reference import generate_reference


def peaks(kind: str, preset: str, threads: int) -> tuple[tuple[float, float], float]:
    """Of one inference (`inference`), or of a second training step (`training`), in megabytes.

    Returns:
        Peaks of the reference's process and of ours, less what each had before the networks were made;
        and what the networks' weights take once, as float32.
    """
    reference, ours = (_run(kind, preset, side, threads) for side in ("reference", "fast"))
    return (reference, ours), networks.weight_megabytes(kind, preset)


def large_megabytes(threads: int) -> float:
    """Of an inference at 1024x2048, the weights included."""
    return _run("large", "cityscapes", "fast", threads)


def _run(kind: str, preset: str, side: str, threads: int) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", kind, preset, side, str(threads)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(ended.stdout.splitlines()[-1]))


def _main() -> None:
    kind, preset, side, threads = sys.argv[1:]
    import torch

    torch.set_num_threads(int(threads))
    if side == "fast":
        return_large_pieces()
    forget_peak()
    before = peak()
    work = _work(kind, preset, is_fast=side == "fast")
    if kind == "training":
        work()  # so that the optimisers have their state
    forget_peak()
    work()
    print(json.dumps(peak() - before))


def _work(kind: str, preset: str, *, is_fast: bool) -> networks.Work:
    if kind == "large":
        return networks.large_inference()
    if kind == "inference":
        return inference_pair(preset, "float32")[is_fast]
    return training_step(preset, generate_fast if is_fast else generate_reference, "float32")


if __name__ == "__main__":
    _main()
