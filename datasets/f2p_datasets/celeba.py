"""CelebA's layout: ``img_align_celeba/`` with its lists beside it (white-space columns, CRLF, no header)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from f2p_datasets.errors import DatasetError

Partition = Literal["train", "valid", "test"]

IMAGES: Final = "img_align_celeba"
PARTITIONS: Final = "list_eval_partition.txt"
IDENTITIES: Final = "identity_CelebA.txt"


@dataclass(frozen=True, kw_only=True)
class CelebaPhoto:
    """A photo, its partition (by identity: nobody is in two) and whose face it is; None when that list is missing."""

    path: Path
    partition: Partition
    identity: int | None


def is_celeba(folder: Path) -> bool:
    """Whether a folder has CelebA's layout."""
    return (folder / IMAGES).is_dir() and (folder / PARTITIONS).is_file()


def list_celeba(folder: Path, partition: Partition | None = None) -> list[CelebaPhoto]:
    """CelebA's photos, of one partition or all, in the order of its list. Raises DatasetError for a malformed list."""
    identities = _read_numbers(folder / IDENTITIES) if (folder / IDENTITIES).is_file() else {}
    names = get_args(Partition)
    photos = []
    for file, number in _read_numbers(folder / PARTITIONS).items():
        if number >= len(names):
            raise DatasetError(f"{folder / PARTITIONS}: partition {number} of {file} is none of 0, 1, 2")
        if partition in (None, names[number]):
            path = folder / IMAGES / file
            photos.append(CelebaPhoto(path=path, partition=names[number], identity=identities.get(file)))
    return photos


def _read_numbers(path: Path) -> dict[str, int]:
    """``name number`` lines. Copies of the lists differ: line ends, and some have a header."""
    numbers: dict[str, int] = {}
    for line_number, line in enumerate(path.read_text().splitlines(), 1):
        fields = line.split()
        if not fields or (line_number == 1 and not fields[-1].isdigit()):
            continue
        if len(fields) != 2 or not fields[1].isdigit():
            raise DatasetError(f"{path}:{line_number}: {line!r} is no line of a file name and a number")
        if "/" in fields[0] or "\\" in fields[0]:
            raise DatasetError(f"{path}:{line_number}: {fields[0]!r} leads out of {IMAGES}; give plain file names")
        numbers[fields[0]] = int(fields[1])
    return numbers
