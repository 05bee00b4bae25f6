"""CelebA: 202,599 aligned photos of 10,177 people, 178 x 218 pixels, with lists beside them.

    img_align_celeba/000001.jpg           list_eval_partition.txt           0 train, 1 valid, 2 test
    identity_CelebA.txt                   list_attr_celeba.txt              40 attributes, -1 or 1
                                          list_landmarks_align_celeba.txt   five points

The official download has the photos below ``Img`` and the lists below ``Anno`` and ``Eval``; spreadsheet copies have
``.csv`` lists and the folder of photos twice. Whatever list is missing says nothing. Nobody is in two partitions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from f2p_datasets.collections.lists import read_numbers, read_table
from f2p_datasets.collections.records import PhotoRecord, of_partition
from f2p_datasets.errors import DatasetError
from f2p_datasets.photos import PHOTO_SUFFIXES

PARTITION_NAMES: Final = ("train", "valid", "test")
IMAGES: Final = "img_align_celeba"
_IMAGE_FOLDERS: Final = (f"{IMAGES}/{IMAGES}", IMAGES, f"Img/{IMAGES}")
_LIST_FOLDERS: Final = (".", "Anno", "Eval")
PARTITIONS: Final = "list_eval_partition"
IDENTITIES: Final = "identity_CelebA"
ATTRIBUTES: Final = "list_attr_celeba"
LANDMARKS: Final = "list_landmarks_align_celeba"


def is_celeba(folder: Path) -> bool:
    """Whether a folder has CelebA's photos and one of its lists."""
    listed = _find_list(folder, PARTITIONS) or _find_list(folder, IDENTITIES)
    return _find_images(folder) is not None and listed is not None


def list_celeba(folder: Path, partition: str | None = None) -> list[PhotoRecord]:
    """CelebA's photos of one partition, or all: those of its first list, in its order; without a list those there are.

    Raises DatasetError for a malformed list, or for a partition when its list is missing.
    """
    images = _find_images(folder)
    if images is None:
        raise DatasetError(f"{folder}: has no folder {IMAGES}; give the folder in which that one and the lists lie")
    partitions = _partitions(folder)
    if partition is not None and not partitions:
        raise DatasetError(f"{folder / PARTITIONS}.txt: missing; it says which photos are in partition {partition!r}")
    identities, attributes, landmarks = _numbers(folder, IDENTITIES), _attributes(folder), _landmarks(folder)
    below = images.relative_to(folder).as_posix()
    names = partitions or identities or dict.fromkeys(_photo_names(images))
    records = (
        PhotoRecord(
            name=f"{below}/{name}",
            identity=str(identities[name]) if name in identities else None,
            partition=partitions.get(name),
            attributes=attributes.get(name, ()),
            landmarks=landmarks.get(name),
        )
        for name in names
    )
    return of_partition(records, partition)


def celeba_training(folder: Path) -> str | None:
    """The training partition, where the list of partitions is there."""
    return PARTITION_NAMES[0] if _find_list(folder, PARTITIONS) else None


def _partitions(folder: Path) -> dict[str, str]:
    found = _numbers(folder, PARTITIONS)
    for name, number in found.items():
        if number >= len(PARTITION_NAMES):
            raise DatasetError(f"{_find_list(folder, PARTITIONS)}: partition {number} of {name} is none of 0, 1, 2")
    return {name: PARTITION_NAMES[number] for name, number in found.items()}


def _numbers(folder: Path, stem: str) -> dict[str, int]:
    path = _find_list(folder, stem)
    return read_numbers(path) if path else {}


def _attributes(folder: Path) -> dict[str, tuple[str, ...]]:
    """Names of the attributes that a face has, by photo."""
    path = _find_list(folder, ATTRIBUTES)
    if path is None:
        return {}
    table = read_table(path)
    if not table.columns:
        raise DatasetError(f"{path}: has no line with the attributes' names; copy it again")
    return {
        name: tuple(column for column, value in zip(table.columns, row, strict=True) if value > 0)
        for name, row in table.rows.items()
    }


def _landmarks(folder: Path) -> dict[str, tuple[tuple[float, float], ...]]:
    """Eyes, nose, corners of the mouth, by photo."""
    path = _find_list(folder, LANDMARKS)
    if path is None:
        return {}
    rows = read_table(path).rows
    if len(next(iter(rows.values()))) != 10:
        raise DatasetError(f"{path}: has no ten numbers per photo, five points; copy it again")
    return {
        name: tuple((float(x), float(y)) for x, y in zip(row[::2], row[1::2], strict=True))
        for name, row in rows.items()
    }


def _find_images(folder: Path) -> Path | None:
    return next((folder / name for name in _IMAGE_FOLDERS if (folder / name).is_dir()), None)


def _find_list(folder: Path, stem: str) -> Path | None:
    places = (folder / below / f"{stem}{suffix}" for below in _LIST_FOLDERS for suffix in (".txt", ".csv"))
    return next((path for path in places if path.is_file()), None)


def _photo_names(images: Path) -> list[str]:
    return sorted(path.name for path in images.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
