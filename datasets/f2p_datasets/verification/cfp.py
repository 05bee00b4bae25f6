"""CFP (Sengupta et al. 2016, Readme.txt): 500 people, 10 frontal and 4 profile photos each.

Protocol/Pair_list_F.txt, Pair_list_P.txt         ``1 ../Data/Images/001/frontal/01.jpg``
Protocol/Split/{FF,FP}/{01..10}/{same,diff}.txt   350 lines ``a,b``: numbers in the lists above
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification.lines import Line, read_lines
from f2p_datasets.verification.sets import PictureIndex, VerificationSet

PROTOCOLS: Final = ("FF", "FP")
NUM_FOLDS: Final = 10
#: Some copies sort the people into these folders.
_MOVED: Final = ("", "train", "test")


def read_cfp(root: Path, protocol: str | None = None) -> VerificationSet:
    """``protocol`` is FF (frontal-frontal) or FP (frontal-profile, the default). Raises DatasetError."""
    chosen = (protocol or "FP").upper()
    if chosen not in PROTOCOLS:
        raise DatasetError(f"pairs: {protocol!r} is no protocol of CFP; give {' or '.join(PROTOCOLS)}")
    frontal = _read_list(root, "F")
    second = _read_list(root, "P") if chosen == "FP" else frontal
    index = PictureIndex()
    pairs, flags = [], []
    for fold in range(1, NUM_FOLDS + 1):
        for name, same in (("same.txt", True), ("diff.txt", False)):
            for line in read_lines(root / "Protocol" / "Split" / chosen / f"{fold:02d}" / name):
                pairs.append(_pair(line, frontal, second, index))
                flags.append(same)
    return VerificationSet(
        name=f"cfp_{chosen.lower()}",
        pictures=index.files(f"cfp {chosen}"),
        pairs=np.array(pairs, np.int64),
        same=np.array(flags, bool),
    )


def is_cfp(root: Path) -> bool:
    """Whether a folder looks like CFP."""
    return (root / "Protocol" / "Split").is_dir()


def _read_list(root: Path, kind: str) -> Mapping[int, Path]:
    file = root / "Protocol" / f"Pair_list_{kind}.txt"
    photos: dict[int, Path] = {}
    for line in read_lines(file):
        if len(line.fields) != 2:
            raise line.fault(f"expected a number and a path, found {len(line.fields)} fields")
        photos[line.integer(0)] = _photo(root, line)
    return photos


def _photo(root: Path, line: Line) -> Path:
    """Where ``../Data/Images/<person>/<kind>/<nn>.jpg`` lies."""
    parts = Path(line.fields[1]).parts
    if "Images" not in parts or ".." in parts[parts.index("Images") :]:
        raise line.fault(f"expected ../Data/Images/<person>/<kind>/<nn>.jpg, found {line.fields[1]!r}")
    images, inner = root / "Data" / "Images", Path(*parts[parts.index("Images") + 1 :])
    places = [images / moved / inner for moved in _MOVED]
    return next((place for place in places if place.is_file()), places[0])


def _pair(line: Line, first: Mapping[int, Path], second: Mapping[int, Path], index: PictureIndex) -> tuple[int, int]:
    numbers = [part.strip() for part in "".join(line.fields).split(",")]
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise line.fault(f"expected two numbers with a comma between, found {' '.join(line.fields)!r}")
    a, b = map(int, numbers)
    for number, photos in ((a, first), (b, second)):
        if number not in photos:
            raise line.fault(f"{number} is not in the list of photos")
    return index.number(first[a]), index.number(second[b])
