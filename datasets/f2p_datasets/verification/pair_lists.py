"""CALFW and CPLFW (Zheng and Deng): two lines per pair, ``<file.jpg> <label>``, the label the same on both.

0 is a pair of different people, anything else a pair of one person (CALFW: the number of its fold). All same pairs
come first; they are dealt to folds here, as in LFW's list.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification.lines import Line, read_lines
from f2p_datasets.verification.sets import PictureIndex, VerificationSet, in_folds

_PHOTO_FOLDERS: Final = ("aligned images", "aligned_images", "images", "")


def read_pair_list(root: Path, name: str, pairs: str | Path | None = None) -> VerificationSet:
    """``name`` is calfw or cplfw; ``pairs`` another list than ``pairs_<NAME>.txt``. Raises DatasetError."""
    file = root / Path(pairs or list_name(name))
    lines, photos, index = read_lines(file), _find_photos(root), PictureIndex()
    if len(lines) % 2:
        raise DatasetError(f"{file}: {len(lines)} lines, but every pair has two; get the file again")
    kinds: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        (one, label), (other, again) = _entry(first), _entry(second)
        if label != again:
            raise second.fault(f"label {again}, but {label} on the line before: both belong to one pair")
        kinds[label != 0].append((index.number(photos / one), index.number(photos / other)))
    ordered, flags = in_folds(kinds[True], kinds[False])
    return VerificationSet(name=name, pictures=index.files(file.name), pairs=ordered, same=flags)


def list_name(name: str) -> str:
    """The official list's file name."""
    return f"pairs_{name.upper()}.txt"


def _entry(line: Line) -> tuple[str, int]:
    if len(line.fields) != 2:
        raise line.fault(f"expected a file and a label, found {len(line.fields)} fields")
    if "/" in line.fields[0] or "\\" in line.fields[0]:
        raise line.fault(f"expected a file name without folders, found {line.fields[0]!r}")
    return line.fields[0], line.integer(1)


def _find_photos(root: Path) -> Path:
    return next(root / name for name in _PHOTO_FOLDERS if (root / name).is_dir() or not name)
