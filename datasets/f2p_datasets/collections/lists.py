"""Lists of a collection: text files with a line per photo, whose copies differ in line ends, separators and headers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from f2p_datasets.collections.records import check_name
from f2p_datasets.errors import DatasetError
from f2p_datasets.photos import PHOTO_SUFFIXES

Value = TypeVar("Value")

_SEPARATORS: Final = re.compile(r"[,\s]+")  # white space in the originals, commas in spreadsheets' copies


@dataclass(frozen=True, kw_only=True)
class NumberTable:
    """Columns of whole numbers by photo: names of the columns, and a row for each file name."""

    columns: tuple[str, ...]
    rows: dict[str, tuple[int, ...]]


def read_lines(path: Path) -> list[str]:
    """A list's lines without their ends. Raises DatasetError for a missing file, or one that is no text."""
    if not path.is_file():
        raise DatasetError(f"{path}: missing; the format needs this list, copy it there")
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: not a text file ({error.reason} at byte {error.start}); copy it again") from error


def read_numbers(path: Path) -> dict[str, int]:
    """``name number`` lines -> number by file name; a first line whose second field is no number is a header."""
    numbers: dict[str, int] = {}
    for line_number, fields in _fields(path):
        if line_number == 1 and not fields[-1].isdecimal():
            continue
        if len(fields) != 2 or not fields[1].isdecimal():
            raise DatasetError(f"{path}:{line_number}: {' '.join(fields)!r} is no line of a file name and a number")
        numbers[_plain_name(path, line_number, fields[0])] = int(fields[1])
    return _not_empty(path, numbers)


def read_table(path: Path) -> NumberTable:
    """A count, a line of column names, then lines of a file name and its whole numbers; count and names may miss.

    Raises DatasetError, naming the line, for one that has other columns, and when the count promises other lines.
    """
    count, header, rows = None, list[str](), dict[str, tuple[int, ...]]()
    for line_number, fields in _fields(path):
        if not rows and Path(fields[0]).suffix.lower() not in PHOTO_SUFFIXES:
            count, header = (int(fields[0]), header) if _is_count(fields) else (count, fields)
            continue
        name = _plain_name(path, line_number, fields[0])
        rows[name] = _numbers(path, line_number, fields[1:], width=len(next(iter(rows.values()), fields[1:])))
    if count is not None and count != len(rows):
        raise DatasetError(f"{path}: promises {count} lines in its first, has {len(rows)}: cut short; copy it again")
    width = len(next(iter(_not_empty(path, rows).values())))
    if header and len(header) not in (width, width + 1):
        raise DatasetError(f"{path}: names {len(header)} columns, its lines have {width}; copy it again")
    return NumberTable(columns=tuple(header[-width:]), rows=rows)


def _fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number from 1, and the line's fields; blank lines are passed over."""
    for line_number, line in enumerate(read_lines(path), 1):
        fields = [field for field in _SEPARATORS.split(line) if field]
        if fields:
            yield line_number, fields


def _is_count(fields: Sequence[str]) -> bool:
    return len(fields) == 1 and fields[0].isdecimal()


def _numbers(path: Path, line_number: int, fields: Sequence[str], *, width: int) -> tuple[int, ...]:
    try:
        numbers = tuple(int(field) for field in fields)
    except ValueError as error:
        raise DatasetError(f"{path}:{line_number}: {' '.join(fields)!r} are no whole numbers; copy it again") from error
    if len(numbers) != width:
        raise DatasetError(f"{path}:{line_number}: {len(numbers)} numbers, the lines before have {width}")
    return numbers


def _plain_name(path: Path, line_number: int, name: str) -> str:
    """A name without folders: lists name the files of one folder."""
    if "/" in name or "\\" in name:
        raise DatasetError(f"{path}:{line_number}: {name!r} leads out of its folder; give plain file names")
    check_name(name)
    return name


def _not_empty(path: Path, found: dict[str, Value]) -> dict[str, Value]:
    if not found:
        raise DatasetError(f"{path}: names no photo; copy it again")
    return found
