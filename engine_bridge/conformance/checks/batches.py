"""Sizes and batches: the same face whatever is asked for around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.conformance.differences import compare
from engine_bridge.conformance.evidence import Evidence, Exhibit, judge
from engine_bridge.conformance.sheets import compared
from engine_bridge.conformance.trial import Trial
from engine_bridge.frames import Frame, Picture

USUAL_SIZES: Final = (64, 256, 512)
#: One face at two sizes, averaged down to this many pixels a side, differs by no more levels on average. The corner
#: where a stamp was replaced is not looked at: at 16 px it is a quarter of the side.
COMPARED_PX, CORNER_PX, LARGEST_SIZE_DIFFERENCE = 8, 2, 12.0
BATCH: Final = 6


def draws_every_size(trial: Trial) -> Evidence:
    """From the smallest size announced to the largest, and all of it is the same face."""
    smallest, largest = trial.announced.minimum_px, trial.announced.maximum_px
    sizes = sorted({smallest, *[size for size in USUAL_SIZES if smallest < size < largest], largest})
    pictures = {size: trial.render([trial.shot(resolution=size)])[0].picture for size in sizes}
    small = {size: _shrunk(picture) for size, picture in pictures.items()}
    differences = {size: float(np.abs(small[size] - small[largest]).mean()) for size in sizes}
    other = [size for size, difference in differences.items() if difference > LARGEST_SIZE_DIFFERENCE]
    figures = {str(size): round(difference, 1) for size, difference in differences.items()}
    told = f"{', '.join(map(str, sizes))} px"
    if not other:
        return judge(True, told, figures=figures)
    names = tuple(map(str, other))
    told += f"; another picture at {', '.join(names)} px: the camera must frame the head alike at every size"
    shown = tuple(Exhibit(title=f"{size} px", picture=pictures[size]) for size in (*other[:3], largest))
    return judge(False, told, figures=figures, names=names, exhibits=shown)


def batch_equals_singles(trial: Trial) -> Evidence:
    """A face drawn in a batch is the face drawn alone."""
    vectors = [trial.random_vector(30 + seed) for seed in range(BATCH)]
    shots = [trial.shot(vector) for vector in vectors]
    return _same(trial, trial.render(shots), trial.render(shots, batch=1), "in a batch", "alone")


def order_does_not_matter(trial: Trial) -> Evidence:
    """The faces of a batch do not depend on their neighbours."""
    vectors = [trial.random_vector(40 + seed) for seed in range(BATCH)]
    shots = [trial.shot(vector) for vector in vectors]
    backwards = trial.render(shots[::-1])[::-1]
    return _same(trial, trial.render(shots), backwards, "forwards", "backwards")


def _same(trial: Trial, first: Sequence[Frame], second: Sequence[Frame], one: str, other: str) -> Evidence:
    pairs = list(zip(first, second, strict=True))
    bad = [place for place, pair in enumerate(pairs) if not trial.repeatability.covers(*pair)]
    worst = max(compare(*pair).maximum for pair in pairs)
    if not bad:
        return judge(True, f"{len(first)} faces, largest difference {worst} levels", figures={"largest": worst})
    told = f"{len(bad)} of {len(first)} faces drawn {one} differ from those drawn {other}, by up to {worst} levels"
    shown = tuple(
        Exhibit(
            title=f"face {place + 1}",
            picture=compared(first[place], second[place]),
            caption=f"{one}, {other}, difference",
        )
        for place in bad[:3]
    )
    return judge(False, told, figures={"largest": worst}, exhibits=shown)


def _shrunk(picture: Picture) -> npt.NDArray[np.float64]:
    """The picture averaged over COMPARED_PX x COMPARED_PX cells, without the corner."""
    edges = np.linspace(0, len(picture), COMPARED_PX + 1).round().astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.float64), edges, axis=0), edges, axis=1)
    counts = np.diff([*edges, len(picture)])
    cells: npt.NDArray[np.float64] = sums / np.outer(counts, counts)[..., None]
    cells[:CORNER_PX, :CORNER_PX] = 0.0
    return cells
