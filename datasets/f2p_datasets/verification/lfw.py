"""LFW (umass-vis-lfw README): ``<Name>/<Name>_0001.jpg`` below a folder, and lists of pairs.

pairs.txt (View 2)          first line: folds and pairs of each kind in a fold (10, 300); then fold by fold
pairsDevTest.txt (View 1)   first line: pairs of each kind; then all same pairs, then all different ones
same        ``Name  i  j``             different   ``Name1  i  Name2  j``
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification.lines import Line, read_lines
from f2p_datasets.verification.sets import PictureIndex, VerificationSet, in_folds

#: Lists looked for when none is named, in this order: View 2 is what is published.
KNOWN_LISTS: Final = ("pairs.txt", "pairsDevTest.txt")
#: Folders that the photos of the official archives unpack to.
_PHOTO_FOLDERS: Final = ("", "lfw", "lfw-deepfunneled", "lfw_funneled", "images_deepfunneled", "images_funneled")


def read_lfw(root: Path, pairs: str | Path | None = None) -> VerificationSet:
    """``pairs`` is a list's name in ``root``, or its path. Raises DatasetError."""
    file = _find_list(root, pairs)
    header, *lines = read_lines(file)
    num_folds, per_kind = (1, header.integer(0)) if len(header.fields) == 1 else (header.integer(0), header.integer(1))
    if len(lines) != 2 * num_folds * per_kind or not lines:
        raise DatasetError(
            f"{file}: its first line says {2 * num_folds * per_kind} pairs, it has {len(lines)}; get the file again"
        )
    photos, index = _find_photos(root, lines[0]), PictureIndex()
    kinds: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for position, line in enumerate(lines):
        same = position // per_kind % 2 == 0
        kinds[same].append(_pair(line, same, photos, index))
    ordered, flags = in_folds(kinds[True], kinds[False], num_folds if num_folds > 1 else 10)
    return VerificationSet(name=f"lfw-{file.stem}", pictures=index.files(file.name), pairs=ordered, same=flags)


def _find_list(root: Path, pairs: str | Path | None) -> Path:
    candidates = [root / name for name in KNOWN_LISTS] if pairs is None else [root / pairs, Path(pairs)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise DatasetError(f"{root}: no list of pairs ({', '.join(map(str, candidates))}); name one with --pairs")


def _find_photos(root: Path, line: Line) -> Path:
    person = line.fields[0]
    for name in _PHOTO_FOLDERS:
        if (root / name / person).is_dir():
            return root / name
    raise DatasetError(f"{root}: holds no folder {person!r}; give the folder in which LFW's people are folders")


def _pair(line: Line, same: bool, photos: Path, index: PictureIndex) -> tuple[int, int]:
    expected = 3 if same else 4
    if len(line.fields) != expected:
        kind = "same" if same else "different"
        raise line.fault(f"a pair of {kind} people has {expected} fields, found {len(line.fields)}")
    first, second = (line.fields[0], 1), (line.fields[0 if same else 2], expected - 1)
    return _photo(line, first, photos, index), _photo(line, second, photos, index)


def _photo(line: Line, named: tuple[str, int], photos: Path, index: PictureIndex) -> int:
    name, position = named
    return index.number(photos / name / f"{name}_{line.integer(position):04d}.jpg")


def is_lfw(root: Path) -> bool:
    """Whether a folder looks like LFW."""
    return root.is_dir() and any((root / name).is_file() for name in KNOWN_LISTS)
