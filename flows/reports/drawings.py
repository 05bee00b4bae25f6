"""Small drawings: histograms as SVG, and a map of all of them as one picture. No scripts, the page's own colors."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

from flows.reports.pictures import Pixels

_WIDTH, _HEIGHT = 100, 24
#: The map's color; its transparency is what the counts become.
_INK: Final = (196, 98, 54)

Counts = npt.NDArray[np.int64]


def draw_histogram(counts: Sequence[int], label: str, *, expected: float | None = None) -> str:
    """Counts as an SVG element that fills its place; ``expected`` is a dashed line at the count an even draw has."""
    highest = max([*counts, expected or 0.0, 1.0])
    step = _WIDTH / len(counts)
    path = "".join(f"V{_HEIGHT - _HEIGHT * count / highest:.1f}h{step:.3g}" for count in counts)
    line = "" if expected is None else _dashed(_HEIGHT - _HEIGHT * expected / highest)
    return (
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}"><path d="M0 {_HEIGHT}{path}V{_HEIGHT}z"/>{line}</svg>'
    )


def draw_map(histograms: Sequence[Counts]) -> Pixels:
    """A column per histogram, its last bin on top: (bins, N, 4) uint8, opaque where a bin is twice its even share."""
    counts = np.stack(histograms, axis=1)[::-1].astype(np.float64)
    even = np.maximum(counts.sum(axis=0) / len(counts), 1e-9)
    picture = np.empty((*counts.shape, 4), np.uint8)
    picture[..., :3] = _INK
    picture[..., 3] = np.rint(255 * np.clip(counts / even / 2, 0.0, 1.0))
    return picture


def _dashed(y: float) -> str:
    return f'<line x1="0" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
