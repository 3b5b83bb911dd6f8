"""What the machine can do: the rate of large matrix products and convolutions."""

import platform
import time
from pathlib import Path

import torch


def describe() -> dict[str, object]:
    """Processor, threads, versions, and GFLOP/s in float32 and bfloat16."""
    flags = _cpuinfo("flags").split()
    units = sorted({"avx512_bf16", "amx_bf16"} & set(flags))
    return {
        "processor": _cpuinfo("model name") or platform.processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bf16_units": units,
        "gflops": {
            f"{kind} {name}": round(rate(dtype))
            for kind, rate in (("matrix product", _matrix_product), ("3x3 convolution", _convolution))
            for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))
        },
    }


def _matrix_product(dtype: torch.dtype) -> float:
    n = 2048
    a, b = torch.randn(n, n).to(dtype), torch.randn(n, n).to(dtype)
    return 2 * n**3 / _best(lambda: a @ b) / 1e9


def _convolution(dtype: torch.dtype) -> float:
    """The layer that predicts the kernels of the largest block."""
    n_in, n_out, H, W = 128, 1152, 64, 128
    x = torch.randn(1, n_in, H, W).to(dtype).to(memory_format=torch.channels_last)
    weight = torch.randn(n_out, n_in, 3, 3).to(dtype).to(memory_format=torch.channels_last)
    seconds = _best(lambda: torch.nn.functional.conv2d(x, weight, padding=1))
    return 2 * 9 * n_in * n_out * H * W / seconds / 1e9


def _best(work: object, rounds: int = 5) -> float:
    least = float("inf")
    with torch.inference_mode():
        for _ in range(rounds):
            started = time.perf_counter()
            work()  # type: ignore[operator]
            least = min(least, time.perf_counter() - started)
    return least


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
