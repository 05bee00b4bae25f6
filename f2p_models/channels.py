"""How networks are narrowed."""

from __future__ import annotations


def scaled_channels(channels: int, width: float) -> int:
    """``channels * width`` as a multiple of 8 that is at least 8: the channel blocks that CPUs and GPUs like."""
    return max(8, 8 * round(channels * width / 8))
