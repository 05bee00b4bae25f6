"""How the drawn parameters fill their ranges: what a network never saw it cannot have learned.

Counted from ``pairs.parquet``: the values that the engine applied, not those that were asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine_bridge.schema import ContinuousParameter, DiscreteParameter
from f2p_datasets.coverage import EVEN_SAMPLERS, measure_coverage
from f2p_datasets.manifest import TABLE_NAME, read_manifest
from f2p_datasets.pair_table import read_rows
from flows.reports.drawings import Counts, draw_histogram, draw_map
from flows.reports.pictures import data_uri

#: Bins of a slider's histogram; two make a tenth of its range.
NUM_BINS: Final = 20
#: Of aligned pictures: what is measured of each face, and how it is called.
MEASURED: Final = {
    "yaw_deg": "turned aside, °",
    "pitch_deg": "up and down, °",
    "roll_deg": "tilted, °",
    "face_px": "size of the face, px",
    "sharpness": "sharpness",
}


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts over a range as a drawing, with the ends of the range. ``gaps`` is how many tenths were never drawn."""

    name: str
    svg: str
    low: float
    high: float
    gaps: int = 0


@dataclass(frozen=True, kw_only=True)
class ChoiceCounts:
    """How often each choice of a discrete parameter was drawn. ``most`` is the largest count."""

    name: str
    counts: dict[str, int]

    @property
    def most(self) -> int:
        return max(self.counts.values()) or 1

    @property
    def never(self) -> list[str]:
        """Choices that no pair has."""
        return [choice for choice, count in self.counts.items() if count == 0]


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A dataset's parameters.

    map_uri   a picture of all sliders at once: a column each, the maximum on top
    thin      what has fewer pairs than chance leaves in a dataset of that size; of studio pairs only
    """

    stage: str
    sampler: str
    seed: int
    num_pairs: int
    map_uri: str
    groups: dict[str, list[Histogram]]
    choices: list[ChoiceCounts]
    measured: list[Histogram]
    thin: tuple[str, ...] = ()

    @property
    def num_sliders(self) -> int:
        return sum(map(len, self.groups.values()))

    @property
    def with_gaps(self) -> list[str]:
        """Sliders of which at least one tenth of the range was never drawn."""
        return [slider.name for sliders in self.groups.values() for slider in sliders if slider.gaps]

    @property
    def is_even(self) -> bool:
        """Whether the sampler promises every tenth of every range, given enough pairs."""
        return self.sampler in EVEN_SAMPLERS


def read_coverage(stage: str, folder: Path) -> Coverage | None:
    """A rendered dataset's coverage; None for photos, whose parameters nobody knows. Raises DatasetError."""
    manifest = read_manifest(folder)
    schema, drawn = manifest.schema, manifest.provenance
    if schema is None or not manifest.num_pairs:
        return None
    table = read_rows(folder / TABLE_NAME)
    columns: dict[str, Any] = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    even = drawn.sampler in EVEN_SAMPLERS
    counted = {slider.name: count_slider(slider, columns[slider.name]) for slider in schema.continuous}
    groups: dict[str, list[Histogram]] = {}
    for slider in schema.continuous:
        groups.setdefault(slider.group, []).append(_slider(slider, counted[slider.name], even=even))
    return Coverage(
        stage=stage,
        sampler=drawn.sampler or "",
        seed=drawn.seed or 0,
        num_pairs=manifest.num_pairs,
        map_uri=data_uri(draw_map(list(counted.values()))),
        groups=groups,
        choices=[count_choices(choice, columns[choice.name]) for choice in schema.discrete],
        measured=[_measured(label, columns[name]) for name, label in MEASURED.items() if name in columns],
        thin=measure_coverage(table, schema, drawn.sampler or "").thin if drawn.domain == "studio" else (),
    )


def count_slider(slider: ContinuousParameter, values: Any) -> Counts:
    """Counts in 20 equal bins of the slider's range."""
    encoded = np.clip(slider.encode(np.asarray(values, np.float64)), 0.0, 1.0)  # type: ignore[arg-type]  # an array
    return np.histogram(encoded, bins=NUM_BINS, range=(0.0, 1.0))[0].astype(np.int64)


def count_choices(choice: DiscreteParameter, values: Any) -> ChoiceCounts:
    """Counts of all choices in the schema's order, also of those that were never drawn."""
    drawn = dict(zip(*np.unique(values.astype(str), return_counts=True), strict=True))
    return ChoiceCounts(name=choice.name, counts={name: int(drawn.get(name, 0)) for name in choice.choices})


def _slider(slider: ContinuousParameter, counts: Counts, *, even: bool) -> Histogram:
    total = int(counts.sum())
    tenths = counts.reshape(-1, 2).sum(axis=1)
    drawing = draw_histogram(
        counts.tolist(), f"{slider.name}, {total} values", expected=total / NUM_BINS if even else None
    )
    gaps = int((tenths == 0).sum())
    return Histogram(name=slider.name, svg=drawing, low=slider.minimum, high=slider.maximum, gaps=gaps)


def _measured(label: str, values: Any) -> Histogram:
    found = np.asarray(values, np.float64)
    found = found[np.isfinite(found)]
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
    counts = np.histogram(found, bins=NUM_BINS, range=(low, high if high > low else low + 1.0))[0]
    return Histogram(name=label, svg=draw_histogram(counts.tolist(), label), low=low, high=high)
