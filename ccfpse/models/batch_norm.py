"""Batch normalisation over the batch of all processes, on any device.

`torch.nn.SyncBatchNorm` refuses CPU tensors; this one needs nothing but an all-reduce. With
one process, and in evaluation mode, it is PyTorch's own.
"""

import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn
from torch.autograd.function import once_differentiable

from ccfpse.ops import Again, Scaled, compiled_for


class BatchNorm2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` whose batch is that of all processes together.

    The processes may hold different numbers of images. Gradients are those of the sum of
    the processes' losses, as if one process had held the whole batch.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalised features, (B, C, H, W), dtype of ``x``."""
        if self.training and _n_processes() > 1:
            return self._synchronised(x)
        if self.training and _loses_digits(x):
            mean, variance = _statistics(x)
            n_values = x.numel() // x.shape[1]
            self._update_statistics(mean, variance * n_values / (n_values - 1))
            y: Tensor = _Normalised.apply(x, self.weight, self.bias, mean, variance, self.eps)
            return y
        return super().forward(x)

    def lazily(self, x: Tensor) -> Scaled:
        """`forward`, left to the compiled kernels that read the result where they can do it as they go."""
        folded = self.folded(x)
        if folded is not None:
            return Scaled(x, *folded)
        # Of several processes the batch's statistics would have to be summed once more.
        again = None
        if self.training and _n_processes() == 1:
            needs = (x, self.weight, self.bias) if self.affine else (x,)
            again = Again(functools.partial(_of_batch, eps=self.eps), tuple(t.detach() for t in needs))
        return Scaled(self(x), again=again)

    def folded(self, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Scale and shift (C) that `forward` amounts to, where compiled kernels serve x without gradients."""
        if self.training or torch.is_grad_enabled() or compiled_for(x) is None:
            return None
        assert self.running_mean is not None
        assert self.running_var is not None
        scale = torch.rsqrt(self.running_var + self.eps)
        if not self.affine:
            return scale, -self.running_mean * scale
        scale = scale * self.weight
        return scale, self.bias - self.running_mean * scale

    def _synchronised(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            wide = x.to(torch.promote_types(x.dtype, torch.float32))
            count = wide.new_full((1,), x.numel() // x.shape[1])
            totals = _sum_over_processes(torch.cat([wide.sum(dim=(0, 2, 3)), count]))  # (C + 1)
            n_values = totals[-1].detach()
            centred = wide - (mean := totals[:-1] / n_values)[:, None, None]
            # Around the mean, not by the difference of squares: that one loses digits.
            variance = _sum_over_processes(centred.square().sum(dim=(0, 2, 3))) / n_values
            self._update_statistics(mean.detach(), variance.detach() * n_values / (n_values - 1))
            y = centred * torch.rsqrt(variance + self.eps)[:, None, None]
            if self.affine:
                y = y * self.weight[:, None, None] + self.bias[:, None, None]
            return y.to(x.dtype)

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def _of_batch(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, eps: float) -> Tensor:
    """What `forward` gave for x in training mode; no running statistics change."""
    if _loses_digits(x):
        return F.batch_norm(x, *_statistics(x), weight, bias, training=False, eps=eps)
    return F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)


def _loses_digits(x: Tensor) -> bool:
    """Whether PyTorch would add up in float32: channels last on the CPU (results off by 2e-5 and more)."""
    is_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return x.device.type == "cpu" and is_last and x.numel() > x.shape[1]


@torch.no_grad()
def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each channel, (C)."""
    values = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    mean = values.mean(dim=0)
    return mean, (values - mean).square_().mean(dim=0)


class _Normalised(torch.autograd.Function):
    """Normalised by the batch's own statistics, which are given; the gradient is that of a function of x."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(variance + eps))
        ctx.eps = eps
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse_deviation = ctx.saved_tensors
        needs = list(ctx.needs_input_grad[:3])
        found = torch.ops.aten.native_batch_norm_backward(
            gy, x, weight, None, None, mean, inverse_deviation, True, ctx.eps, needs
        )
        return *(g if need else None for g, need in zip(found, needs, strict=True)), None, None, None


def _n_processes() -> int:
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


class _SumOverProcesses(torch.autograd.Function):
    """All-reduce; every process's result depends on all inputs, so the gradient is summed likewise."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        total = grad.contiguous().clone()
        distributed.all_reduce(total)
        return total


def _sum_over_processes(x: Tensor) -> Tensor:
    total: Tensor = _SumOverProcesses.apply(x)
    return total
