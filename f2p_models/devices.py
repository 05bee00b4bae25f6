"""Where networks compute, and in which precision."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager
from typing import Final, Literal, get_args

import torch

from engine_bridge.errors import InputError

Precision = Literal["32", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

#: glibc's mallopt parameters (malloc.h): when to give memory back, and from which size on to map it anew each time.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` is the first CUDA device, or the CPU where there is none. Raises InputError for an absent one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"device: {name!r} is no device; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device: {name!r} asked for, but PyTorch sees no CUDA device; use cpu or auto")
    return device


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Inside it the forward pass computes in bfloat16 where that is safe (``bf16``), or as written (``32``).

    Weights, optimiser and losses stay float32; bfloat16 has the range of float32, so no loss scaling is needed.
    """
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def keep_freed_memory() -> None:
    """Let the C library keep the large blocks that every step frees and asks for again, instead of unmapping them.

    A step of a small network on a CPU otherwise spends much of its time on page faults.
    Does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)
