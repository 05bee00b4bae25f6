"""What an imported collection amounts to: how many photos were found, how they look at us, how well they align."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from f2p_datasets.errors import DatasetError
from f2p_datasets.manifest import REJECTS_NAME, TABLE_NAME, DatasetManifest, read_manifest
from f2p_datasets.pair_table import read_rows

_NUMBER: Final = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How a quantity is distributed: its 10 % quantile, median and 90 % quantile."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value at least."""
        return cls(**dict(zip(("low", "median", "high"), _quantiles(values), strict=True)))


@dataclass(frozen=True, kw_only=True)
class PhotoSummary:
    """Figures of a dataset of photos.

    photos             photos of the collection that were looked at
    found              those with a usable face, and their share
    frontal            front views of high quality (``quality.py``), and their share of those found
    people             different identities among those found; 0 when the collection names nobody
    partitions         found photos by partition
    landmark_error_px  from the aligned photo's landmarks to the average face's, pixels of 512
    spreads            of pose, size and sharpness
    reasons            why photos were left out, the most frequent first
    """

    folder: str
    key: str
    resolution: int
    photos: int
    found: int
    share_found: float
    frontal: int
    share_frontal: float
    people: int
    partitions: dict[str, int]
    spreads: dict[str, Spread]
    reasons: dict[str, int]


def summarize_photos(folder: Path) -> PhotoSummary:
    """Figures of a finished dataset of photos. Raises DatasetError for any other folder."""
    manifest = read_manifest(folder)
    if manifest.provenance.domain != "photos":
        raise DatasetError(
            f"{folder}: holds {manifest.provenance.domain} pairs, no photos; give an imported collection"
        )
    table = read_rows(folder / TABLE_NAME)
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    frontal = sum(columns["frontal"])
    return PhotoSummary(
        folder=str(folder),
        key=manifest.key,
        resolution=manifest.provenance.resolution,
        photos=manifest.provenance.count,
        found=manifest.num_pairs,
        share_found=round(manifest.num_pairs / manifest.provenance.count, 4),
        frontal=frontal,
        share_frontal=round(frontal / max(1, manifest.num_pairs), 4),
        people=len(set(columns.get("identity", [])) - {None}),
        partitions=dict(sorted(Counter(filter(None, columns.get("partition", []))).items())),
        spreads=_spreads(columns),
        reasons=_reasons(folder, manifest),
    )


def list_rejects(folder: Path) -> list[dict[str, Any]]:
    """What was left out: key, file and reason of each, in order."""
    path = folder / REJECTS_NAME
    if not path.is_file():
        raise DatasetError(f"{path}: missing; {folder} is no finished dataset of photos")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _spreads(columns: dict[str, list[Any]]) -> dict[str, Spread]:
    measured = ("landmark_error_px", "yaw_deg", "pitch_deg", "roll_deg", "face_px", "sharpness")
    return {name: Spread.of(columns[name]) for name in measured if columns.get(name)}


def _reasons(folder: Path, manifest: DatasetManifest) -> dict[str, int]:
    """Reasons that differ in their numbers only are one."""
    if not manifest.num_rejects:
        return {}
    return dict(Counter(_NUMBER.sub("N", reject["reason"]) for reject in list_rejects(folder)).most_common())


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(value), 2) for value in np.quantile(values, (0.1, 0.5, 0.9))]
