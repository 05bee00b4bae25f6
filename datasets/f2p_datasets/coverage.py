"""Whether a dataset's pairs are spread as its sampler promises: what no pair shows, no network can learn.

N pairs, C sliders

A *cell* is a tenth of a slider's range or a choice of a discrete parameter. Whether an engine applies what it is asked
for is seen here: the table has the values that it applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema

TENTHS: Final = 10
#: Samplers that promise all of every slider's range, evenly. The others draw around an average face.
EVEN_SAMPLERS: Final = ("uniform", "sobol")
#: Fewer pairs in a cell than an honest sampler leaves there in one dataset of a million are too few.
_RARE: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """``num_expected`` of ``num_cells`` hold at least one pair in any honest dataset of that size.

    ``thin`` says which hold fewer than they should, and which sliders never move.
    """

    num_cells: int
    num_expected: int
    thin: tuple[str, ...]


@dataclass(frozen=True)
class _Cell:
    """``share`` of all pairs is what the sampler promises it."""

    name: str
    share: float
    num_pairs: int


def measure_coverage(pairs: pa.Table, schema: ParameterSchema, sampler: str) -> Coverage:
    """Of the table of pairs (``pairs.parquet``) of a dataset that is not filtered by anything."""
    cells = list(_choices(pairs, schema))
    if sampler in EVEN_SAMPLERS:
        cells += _tenths(pairs, schema)
    least = _least_pairs(pairs.num_rows, np.array([cell.share for cell in cells]))
    too_few = [
        f"{cell.name}: {cell.num_pairs} pairs, at least {fewest} expected"
        for cell, fewest in zip(cells, least.tolist(), strict=True)
        if cell.num_pairs < fewest
    ]
    still = [] if sampler == "prior" else _still(pairs, schema.continuous)  # priors may leave a slider where it is
    return Coverage(num_cells=len(cells), num_expected=int((least > 0).sum()), thin=(*too_few, *still))


def _choices(pairs: pa.Table, schema: ParameterSchema) -> Iterator[_Cell]:
    for parameter in schema.discrete:
        yield from _choices_of(parameter, pairs.column(parameter.name).to_pylist())


def _choices_of(parameter: DiscreteParameter, applied: list[str]) -> Iterator[_Cell]:
    for choice in parameter.choices:
        yield _Cell(f"{parameter.name} {choice!r}", 1 / len(parameter.choices), applied.count(choice))


def _tenths(pairs: pa.Table, schema: ParameterSchema) -> Iterator[_Cell]:
    for slider in schema.continuous:
        inside = (_applied(pairs, slider) - slider.minimum) / (slider.maximum - slider.minimum)
        counts = np.bincount(np.clip((inside * TENTHS).astype(np.int64), 0, TENTHS - 1), minlength=TENTHS)
        for tenth, count in enumerate(counts.tolist()):
            yield _Cell(f"{slider.name} at {10 * tenth} to {10 * tenth + 10} % of its range", 1 / TENTHS, count)


def _still(pairs: pa.Table, sliders: tuple[ContinuousParameter, ...]) -> list[str]:
    """Sliders that have one value in all pairs: no sampler promises that. A handful of pairs may end at one limit."""
    if pairs.num_rows < TENTHS:
        return []
    return [
        f"{slider.name}: the same value in every pair" for slider in sliders if np.ptp(_applied(pairs, slider)) == 0
    ]


def _applied(pairs: pa.Table, slider: ContinuousParameter) -> npt.NDArray[np.float64]:
    """(N,) engine units."""
    return np.asarray(pairs.column(slider.name).to_numpy(), np.float64)


def _least_pairs(num_pairs: int, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """For each cell the fewest pairs that are no sign of a fault, its share being a binomial's; 0 where any may be."""
    from scipy.stats import binom  # half a second that only this question is to cost

    if not len(shares) or not num_pairs:
        return np.zeros(len(shares), np.int64)
    return np.asarray(binom.ppf(_RARE / len(shares), num_pairs, shares), np.int64)
