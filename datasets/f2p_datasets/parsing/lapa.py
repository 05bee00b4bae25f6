"""LaPa (Liu et al., AAAI 2020): Helen's classes and order as grey levels.

{train,val,test}/images/<id>.jpg    {train,val,test}/labels/<id>.png    0 to 10
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.frames import Mask
from engine_bridge.parts import NUM_PARTS
from f2p_datasets.errors import DatasetError
from f2p_datasets.parsing.labels import read_classes
from f2p_datasets.parsing.records import LabelledPhoto

PARTITIONS: Final = ("train", "val", "test")
_MEANING: Final = np.arange(NUM_PARTS, dtype=np.uint8)


def is_lapa(folder: Path) -> bool:
    """Whether a folder has a partition of photos and labels."""
    return any(_images(folder, partition).is_dir() and _labels(folder, partition).is_dir() for partition in PARTITIONS)


def list_lapa(folder: Path) -> list[LabelledPhoto]:
    """Every photo of its partitions, sorted by name."""
    found = [
        LabelledPhoto(
            photo=f"{partition}/images/{image.name}",
            labels=(f"{partition}/labels/{image.stem}.png",),
            partition=partition,
        )
        for partition in PARTITIONS
        for image in sorted(_images(folder, partition).glob("*.jpg"))
    ]
    if not found:
        raise DatasetError(f"{folder}: has no train/images/*.jpg; give the folder of train, val and test")
    return found


def read_lapa(folder: Path, photo: LabelledPhoto) -> Mask:
    """The numbers of the label picture, which are part ids."""
    return read_classes(folder / photo.labels[0], _MEANING)


def _images(folder: Path, partition: str) -> Path:
    return folder / partition / "images"


def _labels(folder: Path, partition: str) -> Path:
    return folder / partition / "labels"
