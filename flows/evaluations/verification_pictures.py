"""Drawings of a verification: how the distances lie, and the pairs it got most wrong."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture
from f2p_datasets.verification import SomePictures, VerificationSet, aligned_pictures
from flows.evaluations.page import Figure
from flows.evaluations.subject import Subject

WORST_OF_EACH: Final = 4
_NUM_BARS: Final = 40
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 240, 10, 28, 12


def draw_distances(distances: npt.NDArray[np.float64], same: npt.NDArray[np.bool_], threshold: float) -> Figure:
    """Histograms of the squared distances of both kinds of pairs, and the threshold between them."""
    edges = np.linspace(0.0, max(float(distances.max()), threshold) * 1.02, _NUM_BARS + 1)
    shares = [np.histogram(distances[kind], edges)[0] / max(kind.sum(), 1) for kind in (same, ~same)]
    highest = max(float(share.max()) for share in shares)
    width = (_WIDTH - 2 * _LEFT) / _NUM_BARS

    def bars(share: npt.NDArray[np.float64], color: str) -> str:
        heights = share / highest * (_HEIGHT - _TOP - _BOTTOM)
        return "".join(
            f'<rect x="{_LEFT + bar * width:.1f}" y="{_HEIGHT - _BOTTOM - height:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" fill="{color}" fill-opacity="0.55"/>'
            for bar, height in enumerate(heights)
        )

    at = _LEFT + threshold / edges[-1] * (_WIDTH - 2 * _LEFT)
    ticks = "".join(
        f'<text class="tick" x="{_LEFT + value / edges[-1] * (_WIDTH - 2 * _LEFT):.0f}" y="{_HEIGHT - 8}" '
        f'font-size="11" fill="gray">{value:.2g}</text>'
        for value in np.linspace(0.0, edges[-1], 6)[:-1]
    )
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Distances of pairs">{bars(shares[0], "#2f7d5b")}{bars(shares[1], "#b4552d")}'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="gray" '
        f'stroke-dasharray="4 4"/>{ticks}</svg>'
    )
    caption = (
        f"Squared distances of the headline's features, with PCA: same people green, different ones orange; dashed, "
        f"the mean threshold {threshold:.2f}."
    )
    return Figure(name="distances", title="How far apart", caption=caption, svg=drawing)


def draw_worst_pairs(
    subject: Subject,
    pairs: VerificationSet,
    hardened: npt.NDArray[np.float32],
    distances: npt.NDArray[np.float64],
    threshold: float,
) -> Figure:
    """Both photos of a pair and below them the engine's renders of their characters, a column per pair."""
    wrong = _worst(distances, pairs.same)
    numbers = pairs.pairs[wrong]
    photos = _photos(subject, pairs, numbers)
    rendered = subject.renderer()(hardened[numbers.reshape(-1)])
    cells = [photos[0::2], photos[1::2], list(rendered[0::2]), list(rendered[1::2])]
    sheet = np.concatenate([np.concatenate(row, axis=1) for row in cells])
    misses = " ".join(f"{distances[pair]:.2f}" for pair in wrong)
    return Figure(
        name="worst-pairs",
        title="The pairs that are judged worst",
        caption="First and second photo, and the engine's renders of their characters. Left: the same person, and yet "
        f"farthest apart; right: different people, and yet nearest. Squared distances {misses}; threshold "
        f"{threshold:.2f}.",
        picture=np.ascontiguousarray(sheet),
    )


def _worst(distances: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    order = np.argsort(distances, kind="stable")
    farthest = order[::-1][same[order[::-1]]][:WORST_OF_EACH]
    nearest = order[~same[order]][:WORST_OF_EACH]
    return np.concatenate([farthest, nearest])


def _photos(subject: Subject, pairs: VerificationSet, numbers: npt.NDArray[np.int64]) -> list[Picture]:
    chosen = SomePictures(pairs.pictures, numbers.reshape(-1))
    aligned = aligned_pictures(chosen, subject.template, subject.resolution, framing=pairs.framing)
    return [found.picture for found in aligned]
