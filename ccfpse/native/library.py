"""The compiled kernels as functions of tensors, all float32 and channels last, on the CPU.

Maps are (B, C, H, W) tensors whose memory is (B, H, W, C); weights are plain (O, I, 3, 3). Threads: as
many as PyTorch uses.
"""

import ctypes
import enum
import functools

import torch
import torch.nn.functional as F
from torch import Tensor

from ccfpse.native.place import library_path

_FEW_TILES = 8
"""Of 4x4 positions: on smaller maps PyTorch makes the predicting layer's gradients (docs/speed.md)."""
_FUNCTIONS = (
    "ccfpse_conv",
    "ccfpse_gradient_table",
    "ccfpse_apply",
    "ccfpse_modulate",
    "ccfpse_apply_gradient_x",
    "ccfpse_apply_gradient_h",
    "ccfpse_gradient_w",
    "ccfpse_huge_pages",
)


class Finish(enum.IntEnum):
    """What becomes of a convolution's result r, beside another map."""

    PLAIN = 0
    RELU = 1
    LEAKY_RELU = 2
    """Slope 0.2."""
    GATE = 3
    """``lrelu(other · sigmoid(r))``"""


@functools.cache
def library() -> "Library | None":
    """The library, once it has been built for this processor; otherwise None.

    Raises:
        OSError: it is there, but cannot be loaded.
    """
    try:
        path = library_path()
        is_built = path.is_file()
    except (OSError, RuntimeError):  # no home, or a cache that may not be read: nobody has built it there
        return None
    if not is_built:
        return None
    try:
        return Library(ctypes.CDLL(str(path)))
    except OSError as error:
        raise OSError(f"{error}; build it again with `ccfpse compile`, or delete it") from error


class Library:
    """What `kernels.cpp` offers."""

    def __init__(self, loaded: ctypes.CDLL, *, is_half: bool = False) -> None:
        """The functions of a library; ``is_half`` as in `in_half`."""
        self._loaded, self._is_half = loaded, is_half
        self._functions = {name: getattr(loaded, name) for name in _FUNCTIONS}
        for function in self._functions.values():
            function.restype = None
        loaded.ccfpse_has_half.restype = ctypes.c_int64
        self.has_half = bool(loaded.ccfpse_has_half())
        """Whether this processor has products in half precision."""

    def in_half(self) -> "Library":
        """The same with products, and sums of at most 128 of them, in half precision where `has_half`.

        Maps and weights stay float32, and so do the products of gradients.
        """
        return Library(self._loaded, is_half=True)

    def conv(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        *,
        transposed: bool = False,
        finish: Finish = Finish.PLAIN,
        other: Tensor | None = None,
        codes: Tensor | None = None,
        table: Tensor | None = None,
    ) -> Tensor:
        """3x3 convolution (B, IC, H, W) -> (B, C, H, W), finished as `finish` says.

        Args:
            h: input.
            weight: (C, IC, 3, 3); (IC, C, 3, 3) where `transposed`.
            bias: (C), or None.
            transposed: the gradient of a convolution for its input, from that for its output.
            finish: what becomes of the convolution, bias and table included.
            other: (B, C, H, W) for the ways to finish that need it.
            codes: int32 (B, H, W), numbers of table rows to be added for the 3x3 around a position.
            table: (9, n_codes, C); codes are not checked against n_codes.

        Raises:
            ValueError: shapes do not belong together.
        """
        B, IC, H, W = h.shape
        C = weight.shape[1 if transposed else 0]
        _need("weight", weight, (IC, C, 3, 3) if transposed else (C, IC, 3, 3))
        y = self._empty(h, C)
        _need("bias", bias, (C,))
        _need("other", other, (B, C, H, W))
        _need("codes", codes, (B, H, W))
        n_codes = 0 if table is None else table.shape[1]
        _need("table", table, (9, n_codes, C))
        if (codes is None) != (table is None):
            raise ValueError("codes and table belong together: give both, or neither")
        if not y.numel():
            return y
        sums = None if table is None else table.sum(dim=0)
        arguments = (_map(h), B, H, W, IC, _plain(weight), int(transposed), _plain(bias))
        self._call(
            "ccfpse_conv",
            *arguments,
            None if codes is None else codes.int().contiguous(),
            _plain(table),
            _plain(sums),
            n_codes,
            C,
            int(finish),
            None if other is None else _map(other),
            y,
            int(self._is_half and not transposed),
        )
        return y

    def gradient_table(self, codes: Tensor, gy: Tensor, n_codes: int) -> Tensor:
        """Gradient of `conv` for its table, (9, n_codes, C), from gy (B, C, H, W)."""
        B, C, H, W = gy.shape
        _need("codes", codes, (B, H, W))
        rows = torch.zeros(9, n_codes, C, dtype=torch.float32, device="cpu")
        codes = codes.int().contiguous()
        if rows.numel() and gy.numel():
            self._call("ccfpse_gradient_table", codes, B, H, W, _map(gy), C, n_codes, rows)
        return rows

    def apply(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        scale: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """Filters x (B, C, H, W) with the kernels that weight (9C, IC, 3, 3) predicts from h.

        x may have half of h's height and width; it is enlarged (nearest) then. Before, its channels are
        multiplied by `scale` (C), and `shift` (C) is added.
        """
        _need("weight", weight, (9 * x.shape[1], h.shape[1], 3, 3))
        return self._of_scaled("ccfpse_apply", h, weight, bias, x, scale, shift)

    def modulate(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        scale: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """``x · (1 + r[0]) + r[1]``, r[i] of channel c the output 2c + i of a convolution of h.

        Of weight (2C, IC, 3, 3) and bias (2C); x as in `apply`.
        """
        _need("weight", weight, (2 * x.shape[1], h.shape[1], 3, 3))
        return self._of_scaled("ccfpse_modulate", h, weight, bias, x, scale, shift)

    def _of_scaled(
        self,
        name: str,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        scale: Tensor | None,
        shift: Tensor | None,
    ) -> Tensor:
        (B, IC, H, W), C = h.shape, x.shape[1]
        halvings = int(x.shape[2] != H)
        _need("x", x, (B, C, H >> halvings, W >> halvings))
        _need("bias", bias, (weight.shape[0],))
        _need("scale", scale, (C,))
        _need("shift", shift, (C,))
        if halvings and (H % 2 or W % 2):
            raise ValueError(f"h is {H}x{W}; beside a map of half its size, both must be even")
        y = self._empty(h, C)
        inputs = (_map(h), B, H, W, IC, _plain(weight), _plain(bias), _map(x), _plain(scale), _plain(shift))
        if y.numel():
            self._call(name, *inputs, halvings, C, y, int(self._is_half))
        return y

    def apply_gradients(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        x: Tensor,
        gy: Tensor,
        needs: tuple[bool, bool, bool],
    ) -> tuple[Tensor | None, ...]:
        """Gradients of `apply` for x, h, weight and bias; `needs`: for x, for h, for the two others."""
        needs_x, needs_h, needs_layer = needs
        gx = self.apply_gradient_x(h, weight, bias, gy) if needs_x else None
        B, _, H, W = x.shape
        if B * -(-H // 4) * -(-W // 4) < _FEW_TILES and (needs_h or needs_layer):
            return gx, *_few_gradients(
                h.float(), weight.float(), x.float(), gy.float(), (needs_h, needs_layer)
            )
        gh = self.apply_gradient_h(x, gy, weight) if needs_h else None
        return gx, gh, *(self.gradient_w(h, gy, x) if needs_layer else (None, None))

    def apply_gradient_x(self, h: Tensor, weight: Tensor, bias: Tensor | None, gy: Tensor) -> Tensor:
        """Gradient of `apply` for x."""
        (B, IC, H, W), C = h.shape, gy.shape[1]
        _need("gy", gy, (B, C, H, W))
        _need("weight", weight, (9 * C, IC, 3, 3))
        gx = self._empty(h, C)
        arguments = (_map(h), B, H, W, IC, _plain(weight), _plain(bias), _map(gy), C, gx, int(self._is_half))
        if gx.numel():
            self._call("ccfpse_apply_gradient_x", *arguments)
        return gx

    def apply_gradient_h(self, x: Tensor, gy: Tensor, weight: Tensor) -> Tensor:
        """Gradient of `apply` for h."""
        (B, C, H, W), IC = x.shape, weight.shape[1]
        _need("gy", gy, (B, C, H, W))
        _need("weight", weight, (9 * C, IC, 3, 3))
        gh = self._empty(x, IC)
        if gh.numel():
            self._call("ccfpse_apply_gradient_h", _map(x), _map(gy), B, H, W, C, _plain(weight), IC, gh)
        return gh

    def gradient_w(self, h: Tensor, gy: Tensor, x: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Gradients of `conv`, or with x of `apply`, for weight and bias."""
        (B, IC, H, W), C, taps = h.shape, gy.shape[1], 1 if x is None else 9
        _need("gy", gy, (B, C, H, W))
        _need("x", x, (B, C, H, W))
        gw, gbias = (
            torch.zeros(shape, dtype=torch.float32, device="cpu")
            for shape in ((C * taps, IC, 3, 3), (C * taps,))
        )
        inputs = (_map(h), B, H, W, IC, None if x is None else _map(x), _map(gy))
        if gy.numel():
            self._call("ccfpse_gradient_w", *inputs, C, taps, gw, gbias)
        return gw, gbias

    def _empty(self, like: Tensor, C: int) -> Tensor:
        B, _, H, W = like.shape
        y = torch.empty(B, H, W, C, dtype=torch.float32, device="cpu")
        self._call("ccfpse_huge_pages", y, y.nbytes)
        return y.permute(0, 3, 1, 2)

    def _call(self, name: str, *arguments: Tensor | int | None) -> None:
        # The tensors in `arguments` stay alive until the function returns.
        plain = [
            ctypes.c_int64(a) if isinstance(a, int) else ctypes.c_void_p(None if a is None else a.data_ptr())
            for a in arguments
        ]
        self._functions[name](*plain, ctypes.c_int64(torch.get_num_threads()))


def _few_gradients(
    h: Tensor, weight: Tensor, x: Tensor, gy: Tensor, needs: tuple[bool, bool]
) -> tuple[Tensor | None, ...]:
    """Gradients of `apply` for h, weight and bias, by PyTorch."""
    needs_h, needs_layer = needs
    h, weight, x, gy = h.float(), weight.float(), x.float(), gy.float()
    (_, C, H, W), padded = x.shape, F.pad(x, [1] * 4)
    views = [padded[:, :, i : i + H, j : j + W] for i in range(3) for j in range(3)]
    kernels = torch.stack([view * gy for view in views], dim=2).flatten(1, 2)
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        kernels, h, weight, [9 * C], (1, 1), (1, 1), (1, 1), False, (0, 0), 1,
        (needs_h, needs_layer, needs_layer),
    )  # fmt: skip
    return found


def _need(name: str, x: Tensor | None, shape: tuple[int, ...]) -> None:
    """The compiled functions believe the sizes they are told: these must be right."""
    if x is not None and tuple(x.shape) != tuple(shape):
        raise ValueError(f"{name} is {tuple(x.shape)}; it must be {tuple(shape)}")


def _map(x: Tensor) -> Tensor:
    return x.float().contiguous(memory_format=torch.channels_last)


def _plain(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.float().contiguous()
