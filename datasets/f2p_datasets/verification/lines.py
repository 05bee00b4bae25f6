"""Lists of pairs as text: lines with their numbers, so that a mistake can be found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from f2p_datasets.errors import DatasetError


@dataclass(frozen=True)
class Line:
    """One line of a list: its file, its number from 1, and its fields between white space (CR is white space)."""

    file: Path
    number: int
    fields: tuple[str, ...]

    def fault(self, message: str) -> DatasetError:
        """The error to raise for this line."""
        return DatasetError(f"{self.file}:{self.number}: {message}")

    def integer(self, position: int) -> int:
        """A field as a whole number of 0 or more."""
        text = self.fields[position]
        if not text.isdecimal():
            raise self.fault(f"expected a number, found {text!r}")
        return int(text)


def read_lines(file: Path) -> list[Line]:
    """Every line that is not blank. Raises DatasetError for a file that is missing, empty or no text."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read as a list ({error})") from error
    numbered = enumerate(text.splitlines(), 1)
    lines = [Line(file, number, tuple(line.split())) for number, line in numbered if line.strip()]
    if not lines:
        raise DatasetError(f"{file}: the list is empty")
    return lines
