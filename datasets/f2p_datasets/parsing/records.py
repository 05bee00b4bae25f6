"""A labelled photo of a parsing set: where photo and labels lie. What the labels mean, its format knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine_bridge.frames import Mask
from f2p_datasets.collections.records import check_name


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledPhoto:
    """Paths below the set's folder, with ``/`` between.

    photo      also its name
    labels     one file, or one per class: Helen's probability maps, CelebAMask-HQ's parts
    partition  ``train``, ``val`` or ``test``; None when the set has none
    """

    photo: str
    labels: tuple[str, ...]
    partition: str | None = None

    def __post_init__(self) -> None:
        for name in (self.photo, *self.labels):
            check_name(name)


Listing = Callable[[Path], list[LabelledPhoto]]
"""A set's folder -> its photos, in an order that is always the same. Raises DatasetError for a folder without any."""

Reading = Callable[[Path, LabelledPhoto], Mask]
"""A photo's labels as class ids (H, W) uint8 of its scheme. Raises PhotoError naming the file that is wrong."""
