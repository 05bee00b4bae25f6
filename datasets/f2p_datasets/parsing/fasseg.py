"""FASSEG (Khan et al., 2015): frontal portraits, six classes by color.

    Train_RGB/1.bmp    Train_Labels/1.bmp    Test_RGB/...    Test_Labels/...       V1 and V2
    Train_RGB/90/personne01.bmp    Train_labels/90/personne01.bmp                  V3, a folder per angle

Brows and beard carry the hair's color, and skin goes down the neck.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.frames import Mask
from f2p_datasets.errors import DatasetError
from f2p_datasets.parsing.labels import read_nearest_colors
from f2p_datasets.parsing.records import LabelledPhoto
from f2p_datasets.parsing.schemes import FASSEG
from f2p_datasets.photos import PHOTO_SUFFIXES

_COLORS: Final = np.array(FASSEG.colors, np.uint8)
_TOLERANCE: Final = 24.0  # labels are about 1 level off on average; a photo taken for labels is 100 or more
_PARTITIONS: Final = ("train", "test")


def is_fasseg(folder: Path) -> bool:
    """Whether a folder has labels of training or test photos."""
    return any(_find(folder, partition, "labels") for partition in _PARTITIONS)


def list_fasseg(folder: Path) -> list[LabelledPhoto]:
    """Labelled photos of both partitions, sorted by name (numbers by value). V3 has photos without labels."""
    found = [photo for partition in _PARTITIONS for photo in _list_partition(folder, partition)]
    if not found:
        raise DatasetError(f"{folder}: has no Train_RGB with Train_Labels, nor Test_RGB with Test_Labels")
    return found


def read_fasseg(folder: Path, photo: LabelledPhoto) -> Mask:
    """Ids of FASSEG's six classes."""
    return read_nearest_colors(folder / photo.labels[0], _COLORS, tolerance=_TOLERANCE)


def _list_partition(folder: Path, partition: str) -> list[LabelledPhoto]:
    photos, labels = _find(folder, partition, "rgb"), _find(folder, partition, "labels")
    if photos is None or labels is None:
        return []
    names = [path.relative_to(labels) for path in labels.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES]
    return [
        LabelledPhoto(
            photo=(Path(photos.name) / name).as_posix(),
            labels=((Path(labels.name) / name).as_posix(),),
            partition=partition,
        )
        for name in sorted(names, key=_by_number)
    ]


def _find(folder: Path, partition: str, kind: str) -> Path | None:
    """``Train_Labels`` or, in V3, ``Train_labels``."""
    if not folder.is_dir():
        return None
    return next((path for path in sorted(folder.iterdir()) if path.name.lower() == f"{partition}_{kind}"), None)


def _by_number(name: Path) -> tuple[str, int, str]:
    return name.parent.as_posix(), int(name.stem) if name.stem.isdigit() else -1, name.name
