"""AgeDB: 16,488 photos of 568 people in one folder: ``0_MariaCallas_35_f.jpg`` is number, name, age and sex."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Final

from f2p_datasets.collections.records import PhotoRecord, of_partition
from f2p_datasets.errors import DatasetError
from f2p_datasets.photos import PHOTO_SUFFIXES

_NAME: Final = re.compile(r"(?P<number>\d+)_(?P<person>.+)_(?P<age>\d{1,3})_(?P<sex>[mf])\.\w+", re.IGNORECASE)
_LOOKED_AT: Final = 20


def is_agedb(folder: Path) -> bool:
    """Whether the first photos of a folder are called as AgeDB's are."""
    if not folder.is_dir():
        return False
    photos = list(islice((path.name for path in folder.iterdir() if _is_photo(path)), _LOOKED_AT))
    return bool(photos) and all(_NAME.fullmatch(name) for name in photos)


def list_agedb(folder: Path, partition: str | None = None) -> list[PhotoRecord]:
    """AgeDB's photos by number, age and sex among their attributes. Raises DatasetError for a name that is none."""
    found = []
    for name in sorted(path.name for path in folder.iterdir() if _is_photo(path)):
        match = _NAME.fullmatch(name)
        if match is None:
            raise DatasetError(f"{folder / name}: its name is not NUMBER_PERSON_AGE_SEX.jpg; move it elsewhere")
        attributes = (f"age-{int(match['age'])}", match["sex"].lower())
        found.append((int(match["number"]), PhotoRecord(name=name, identity=match["person"], attributes=attributes)))
    return of_partition((record for _, record in sorted(found, key=lambda item: (item[0], item[1].name))), partition)


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
