"""LFW: 13,233 photos of 5,749 people, 250 x 250 pixels: ``NAME/NAME_0001.jpg``, with lists of people beside them.

    peopleDevTrain.txt, peopleDevTest.txt   view 1, for development: a count, then ``NAME<TAB>PHOTOS``
    people.txt                              view 2, for the final figure: a number of folds, then each fold like that

The lists overlap (everybody of view 1 is in view 2 as well), so a partition is asked for by its list's name. Without
one, a photo's partition is its view 1. A copy may hold fewer people and photos than its lists name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from f2p_datasets.collections.lists import read_lines
from f2p_datasets.collections.records import PhotoRecord, say_known
from f2p_datasets.errors import DatasetError

TRAINING: Final = "peopleDevTrain"
_VIEW_ONE: Final = (TRAINING, "peopleDevTest")
#: Folders that the official archives unpack to.
_UNPACKED: Final = ("lfw", "lfw-deepfunneled", "lfw_funneled", "images_deepfunneled", "images_funneled")
_LOOKED_AT: Final = 20


def is_lfw(folder: Path) -> bool:
    """Whether a folder has a folder per person with photos called after that person."""
    if not folder.is_dir():
        return False
    people = _people_folders(_home(folder))[:_LOOKED_AT]
    return 2 * sum(bool(_photo_names(person)) for person in people) > len(people)


def list_lfw(folder: Path, partition: str | None = None) -> list[PhotoRecord]:
    """The photos of the people of one list, or all, by name. Raises DatasetError for a malformed or unknown list."""
    lists = {path.stem: path for path in _list_files(folder)}
    if partition is not None and partition not in lists:
        raise DatasetError(f"partition: {folder} has no list {partition!r}.txt; {say_known(sorted(lists))}")
    wanted = read_people(lists[partition]) if partition else None
    view_one = {name: stem for stem in _VIEW_ONE if stem in lists for name in read_people(lists[stem])}
    home = _home(folder)
    records = [
        PhotoRecord(
            name=(person / name).relative_to(folder).as_posix(),
            identity=person.name,
            partition=partition or view_one.get(person.name),
        )
        for person in _people_folders(home)
        if wanted is None or person.name in wanted
        for name in _photo_names(person)
    ]
    if partition and not records:
        raise DatasetError(f"{lists[partition]}: none of its {len(wanted or ())} people has a folder in {folder}")
    return records


def lfw_training(folder: Path) -> str | None:
    """View 1's training people, where their list is there."""
    return TRAINING if any(path.stem == TRAINING for path in _list_files(folder)) else None


def read_people(path: Path) -> set[str]:
    """Names of a people list: of its folds, all. Raises DatasetError naming the line that is none."""
    people: set[str] = set()
    for line_number, line in enumerate(read_lines(path), 1):
        fields = line.split()
        if not fields or (len(fields) == 1 and fields[0].isdecimal()):  # a count of folds or of people
            continue
        if len(fields) != 2 or not fields[1].isdecimal():
            raise DatasetError(f"{path}:{line_number}: {line!r} is no line of a person and a number of photos")
        people.add(fields[0])
    return people


def _list_files(folder: Path) -> list[Path]:
    """The lists lie among the people, or beside their folder."""
    return sorted(folder.parent.glob("people*.txt")) + sorted(folder.glob("people*.txt"))


def _home(folder: Path) -> Path:
    """Where the people's folders are: below, where an archive was unpacked beside its lists."""
    return next((folder / name for name in _UNPACKED if (folder / name).is_dir()), folder)


def _people_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _photo_names(person: Path) -> list[str]:
    pattern = re.compile(rf"{re.escape(person.name)}_\d{{4}}\.(jpg|jpeg|png)", re.IGNORECASE)
    return sorted(path.name for path in person.iterdir() if pattern.fullmatch(path.name))
