"""What the machine can do: the rate of large matrix products and convolutions."""

import dataclasses
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from ccfpse.ops import compiled_for


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where the figures come from."""

    processor: str
    threads: int
    torch: str
    bf16_units: list[str]
    """Instructions of the processor for bfloat16."""
    has_half: bool
    """Whether the compiled kernels have products in half precision here (avx512_fp16)."""
    gflops: dict[str, float]
    """GFLOP/s of matrix products and convolutions."""

    def __str__(self) -> str:
        rates = ", ".join(f"{name} {rate:.0f}" for name, rate in self.gflops.items())
        units = ", ".join(self.bf16_units) or "none"
        units += f"; kernels in half precision: {'yes' if self.has_half else 'no'}"
        about = f"{self.processor}, {self.threads} threads, torch {self.torch}, bf16 units: {units}"
        return f"{about}\nGFLOP/s: {rates}"


def describe() -> Machine:
    """Measures them."""
    types = {"float32": torch.float32, "bf16": torch.bfloat16}
    rates = {f"{name} products": _matrix_product(dtype) for name, dtype in types.items()}
    kernels = compiled_for(torch.zeros(1))
    rates |= {f"{name} convolutions": _convolution(dtype) for name, dtype in types.items()}
    return Machine(
        processor=_cpuinfo("model name") or platform.processor(),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        bf16_units=sorted({"avx512_bf16", "amx_bf16"} & set(_cpuinfo("flags").split())),
        has_half=kernels is not None and kernels.has_half,
        gflops=rates,
    )


def _matrix_product(dtype: torch.dtype) -> float:
    n = 2048
    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    return 2 * n**3 / _best(lambda: a @ b) / 1e9


def _convolution(dtype: torch.dtype) -> float:
    """The layer that predicts the kernels of the largest block, on a quarter of its map."""
    n_in, n_out, H, W = 128, 1152, 64, 128
    x = torch.randn(1, n_in, H, W).to(dtype).to(memory_format=torch.channels_last)
    weight = torch.randn(n_out, n_in, 3, 3).to(dtype).to(memory_format=torch.channels_last)
    seconds = _best(lambda: torch.nn.functional.conv2d(x, weight, padding=1))
    return 2 * 9 * n_in * n_out * H * W / seconds / 1e9


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    least = float("inf")
    with torch.inference_mode():
        for _ in range(rounds):
            started = time.perf_counter()
            work()
            least = min(least, time.perf_counter() - started)
    return least


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
