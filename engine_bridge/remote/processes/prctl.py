"""What a process can ask of the Linux kernel about its kin. Elsewhere it does nothing."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_PDEATHSIG, _CHILD_SUBREAPER = 1, 36  # linux/prctl.h
_LIBRARY: Final = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def die_with_parent(wanted: int) -> None:
    """Have the kernel send this process a signal as soon as the thread that started it has ended."""
    _prctl(_PDEATHSIG, wanted)


def adopt_orphans() -> None:
    """Have descendants whose parent ended become children of this process, so that it finds them."""
    _prctl(_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if _LIBRARY is not None:
        _LIBRARY.prctl(option, value, 0, 0, 0)
