"""CALFW and CPLFW: LFW's people across ages and across poses, 6,000 pairs each.

    aligned images/NAME_0001.jpg (CALFW), NAME_1.jpg (CPLFW)      pairs_CALFW.txt, pairs_CPLFW.txt

The list has two lines per pair, ``FILE LABEL``. Here it only says which photos there are: each once, in its order.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Final

from f2p_datasets.collections.lists import read_lines
from f2p_datasets.collections.records import Listing, PhotoRecord, check_name, of_partition
from f2p_datasets.errors import DatasetError

CALFW: Final = "pairs_CALFW.txt"
CPLFW: Final = "pairs_CPLFW.txt"
_IMAGE_FOLDERS: Final = ("aligned images", "images", ".")
_PHOTO: Final = re.compile(r"(?P<person>.+)_\d+\.\w+")


def has_pairs(list_name: str, folder: Path) -> bool:
    """Whether a folder has that list of pairs."""
    return (folder / list_name).is_file()


def list_paired_photos(list_name: str, folder: Path, partition: str | None = None) -> list[PhotoRecord]:
    """Every photo that the pairs name. Raises DatasetError for a missing list, or a line that names no photo."""
    below = next(name for name in _IMAGE_FOLDERS if (folder / name).is_dir())
    prefix = "" if below == "." else f"{below}/"
    people: dict[str, str] = {}
    path = folder / list_name
    for line_number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        name, *label = line.rsplit(maxsplit=1)
        match = _PHOTO.fullmatch(name.strip())
        if match is None or not label or not label[0].isdecimal() or "/" in name:
            raise DatasetError(f"{path}:{line_number}: {line!r} is no line of a photo's name and a label")
        check_name(name.strip())
        people[name.strip()] = match["person"]
    if not people:
        raise DatasetError(f"{path}: names no photo; copy it again")
    return of_partition((PhotoRecord(name=f"{prefix}{name}", identity=who) for name, who in people.items()), partition)


list_calfw: Final[Listing] = partial(list_paired_photos, CALFW)
list_cplfw: Final[Listing] = partial(list_paired_photos, CPLFW)
