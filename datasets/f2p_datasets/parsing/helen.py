"""Helen's parsing labels (Smith et al., CVPR 2013): eleven probability maps per photo, the class is the largest.

    images/232194_1.jpg
    labels/232194_1/232194_1_lbl00.png ... _lbl10.png     grey, 0 to 255, not binary
    exemplars.txt (train)  tuning.txt (val)  testing.txt (test)     lines "12 , 232194_1"

The classes are those of ``engine_bridge.parts``, in their order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from engine_bridge.frames import Mask
from engine_bridge.parts import NUM_PARTS
from f2p_datasets.errors import DatasetError
from f2p_datasets.parsing.labels import check_same_size, read_indices
from f2p_datasets.parsing.records import LabelledPhoto

LISTS: Final = {"exemplars.txt": "train", "tuning.txt": "val", "testing.txt": "test"}


def is_helen(folder: Path) -> bool:
    """Whether a folder has photos, labels and one of the lists."""
    return (folder / "images").is_dir() and (folder / "labels").is_dir() and any(_lists(folder))


def list_helen(folder: Path) -> list[LabelledPhoto]:
    """The photos of its lists, in their order. Raises DatasetError for a line that names none."""
    lists = _lists(folder)
    if not lists:
        raise DatasetError(f"{folder}: has none of {', '.join(LISTS)}; give the folder in which these lie")
    return [_photo(name, LISTS[path.name]) for path in lists for name in _names(path)]


def read_helen(folder: Path, photo: LabelledPhoto) -> Mask:
    """The most probable class of every pixel."""
    paths = [folder / label for label in photo.labels]
    maps = [read_indices(path) for path in paths]
    for path, probability in zip(paths[1:], maps[1:], strict=True):
        check_same_size(paths[0], maps[0].shape, path, probability.shape)
    return np.asarray(np.stack(maps).argmax(0), np.uint8)


def _photo(name: str, partition: str) -> LabelledPhoto:
    labels = tuple(f"labels/{name}/{name}_lbl{part:02d}.png" for part in range(NUM_PARTS))
    return LabelledPhoto(photo=f"images/{name}.jpg", labels=labels, partition=partition)


def _names(path: Path) -> list[str]:
    names = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        name = line.rpartition(",")[2].strip()
        if line.strip() and not name:
            raise DatasetError(f"{path}:{number}: {line!r} names no photo after its comma")
        names += [name] if name else []
    return names


def _lists(folder: Path) -> list[Path]:
    return [folder / name for name in LISTS if (folder / name).is_file()]
