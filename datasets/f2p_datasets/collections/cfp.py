"""CFP: 500 people, each ten photos from the front and four in profile.

    Data/Images/001/frontal/01.jpg .. 10.jpg     Data/Images/001/profile/01.jpg .. 04.jpg
    Data/list_name.txt                           500 names, a line each

The partition is the view, ``frontal`` or ``profile``. Some copies have the people below ``Images/train`` and
``Images/test``. Without the list of names, a person is called by their number.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from f2p_datasets.collections.lists import read_lines
from f2p_datasets.collections.records import PhotoRecord, of_partition
from f2p_datasets.errors import DatasetError
from f2p_datasets.photos import PHOTO_SUFFIXES

VIEWS: Final = ("frontal", "profile")
_IMAGE_FOLDERS: Final = ("Data/Images", "Images")
_PERSON: Final = re.compile(r"\d{3}")


def is_cfp(folder: Path) -> bool:
    """Whether a folder has CFP's folders of numbered people with a frontal view each."""
    images = _find_images(folder)
    return images is not None and bool(_people(images))


def list_cfp(folder: Path, partition: str | None = None) -> list[PhotoRecord]:
    """CFP's photos, by person, view and number. Raises DatasetError for a folder without them or a short name list."""
    images = _find_images(folder)
    people = _people(images) if images else []
    if images is None or not people:
        raise DatasetError(f"{folder}: has no Data/Images/001/frontal; give the folder in which CFP's Data lies")
    names = _names(images.parent / "list_name.txt", people)
    records = [
        PhotoRecord(
            name=photo.relative_to(folder).as_posix(), identity=names.get(person.name, person.name), partition=view
        )
        for person in people
        for view in VIEWS
        for photo in _photos(person / view)
    ]
    return of_partition(records, partition)


def _find_images(folder: Path) -> Path | None:
    return next((folder / name for name in _IMAGE_FOLDERS if (folder / name).is_dir()), None)


def _people(images: Path) -> list[Path]:
    """Folders of three digits with a frontal view, below ``images`` or below its parts."""
    found = [path for pattern in ("*", "*/*") for path in images.glob(pattern) if _PERSON.fullmatch(path.name)]
    return sorted((path for path in found if (path / VIEWS[0]).is_dir()), key=lambda path: path.name)


def _names(path: Path, people: list[Path]) -> dict[str, str]:
    """Name by number; nothing without the list."""
    if not path.is_file():
        return {}
    names = [line.strip() for line in read_lines(path) if line.strip()]
    if len(names) < int(people[-1].name):
        raise DatasetError(f"{path}: has {len(names)} names, there is a person {people[-1].name}; copy it again")
    return {f"{number:03d}": name for number, name in enumerate(names, 1)}


def _photos(view: Path) -> list[Path]:
    if not view.is_dir():
        return []
    return sorted(path for path in view.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
