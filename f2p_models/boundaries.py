"""Checks at the doors of networks and losses: shape, type and range, with what came in the message.

The error they exist for: pictures in 0..255 on one side and in 0..1 on the other, which trains without complaint.
They read the data, so they stay out of graphs that are being compiled or exported.
"""

from __future__ import annotations

import torch
from torch import Tensor

from f2p_models.errors import TensorError

#: Rounding of half precision and of bilinear sampling; far below what separates 0..1 from 0..255.
_SLACK = 0.01


def check_pictures(pictures: Tensor, name: str = "pictures") -> None:
    """Demand floating point (B, 3, H, W) RGB in [0, 1]. Raises TensorError naming what came."""
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise TensorError(f"{name}: expected (B, 3, H, W), got {tuple(pictures.shape)}")
    _check_unit_range(pictures, name, "divide 8-bit pictures by 255")


def check_vectors(vectors: Tensor, name: str = "vectors") -> None:
    """Demand floating point (B, V) in [0, 1]. Raises TensorError naming what came."""
    if vectors.ndim != 2:
        raise TensorError(f"{name}: expected (B, V), got {tuple(vectors.shape)}")
    _check_unit_range(vectors, name, "encode engine units with the character's schema")


def check_same_shape(first: Tensor, second: Tensor, name: str) -> None:
    """Demand equal shapes, so that nothing is broadcast in silence. Raises TensorError naming both."""
    if first.shape != second.shape:
        raise TensorError(f"{name}: shapes must be equal, got {tuple(first.shape)} and {tuple(second.shape)}")


def check_size(tensor: Tensor, size: int, name: str) -> None:
    """Demand (B, size). Raises TensorError naming what came."""
    if tensor.ndim != 2 or tensor.shape[1] != size:
        raise TensorError(f"{name}: expected (B, {size}), got {tuple(tensor.shape)}")


def checked_center(center: Tensor | None, default: Tensor) -> Tensor:
    """A copy of ``center`` (D,), or ``default`` (D,) for None. Raises TensorError for another shape."""
    if center is None:
        return default
    if center.shape != default.shape:
        raise TensorError(f"center: expected {tuple(default.shape)}, got {tuple(center.shape)}")
    return center.detach().clone().float()


def _check_unit_range(tensor: Tensor, name: str, way_out: str) -> None:
    if not tensor.is_floating_point():
        raise TensorError(f"{name}: expected floating point in [0, 1], got {tensor.dtype}; {way_out}")
    if torch.compiler.is_compiling() or tensor.numel() == 0:
        return
    low, high = (float(bound) for bound in tensor.detach().aminmax())
    if not (low >= -_SLACK and high <= 1.0 + _SLACK):  # written so that NaN fails too
        raise TensorError(f"{name}: expected values in [0, 1], got {low:.4g} to {high:.4g}; {way_out}")
