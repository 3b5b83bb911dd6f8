"""How the cost of a photo grows with size and width, and that of a training step with the batch.

python -m benchmarks.growth
"""

import os
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.networks import LAYOUT_CHANNELS, rectangles
from ccfpse.models import ConditionalGenerator, initialise

ROUNDS = 3


def main() -> None:
    """Prints seconds, medians of three rounds."""
    torch.set_num_threads(os.cpu_count() or 1)
    for width in (16, 32, 64):
        _line(f"inference, width {width}, 256x512", _inference(width, (256, 512)))
    for size in ((128, 256), (256, 512), (512, 1024)):
        _line(f"inference, width 64, {size[0]}x{size[1]}", _inference(64, size))
    for batch in (1, 2, 4):
        _line(f"generator forward and backward, width 32, 128x256, batch {batch}", _training(batch))


def _line(name: str, work: Callable[[], object]) -> None:
    work()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    print(f"{name:64} {statistics.median(times):8.2f} s", flush=True)


def _generator(width: int) -> ConditionalGenerator:
    made = ConditionalGenerator(LAYOUT_CHANNELS["cityscapes"], width=width)
    initialise(made, torch.Generator().manual_seed(0))
    return made


def _inference(width: int, size: tuple[int, int]) -> Callable[[], object]:
    network, layout = _generator(width).eval(), rectangles(LAYOUT_CHANNELS["cityscapes"], size)

    def run() -> None:
        with torch.inference_mode():
            network(layout)

    return run


def _training(batch: int) -> Callable[[], object]:
    network = _generator(32).train()
    layout = rectangles(LAYOUT_CHANNELS["cityscapes"], (128, 256)).expand(batch, -1, -1, -1)

    def run() -> None:
        network.zero_grad(set_to_none=True)
        torch.autograd.backward(network(layout).mean())

    return run


if __name__ == "__main__":
    main()
