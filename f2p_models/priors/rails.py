"""What becomes of sliders: how many stand at the end of their range, where a face is at its most extreme.

N   faces        V   entries of a vector, the C sliders first
"""

from __future__ import annotations

from typing import Final

from torch import Tensor

#: A slider this near to an end of [0, 1] is at the rail: a search pushed it there, nobody would have.
RAIL: Final = 0.02


def rail_share(vectors: Tensor, num_sliders: int) -> float:
    """Share of the sliders of vectors (N, V) that are at the rails, in [0, 1]."""
    sliders = vectors[:, :num_sliders]
    return float(((sliders < RAIL) | (sliders > 1.0 - RAIL)).float().mean())
