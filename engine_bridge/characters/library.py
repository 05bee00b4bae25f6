"""Find a character type by name: in the user's folders first, then among the shipped ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from engine_bridge.characters.reader import read_schema_file
from engine_bridge.errors import SchemaError, UnknownCharacterError
from engine_bridge.schema import ParameterSchema

SHIPPED_FOLDER: Final = Path(__file__).parent
RIG_SUFFIX: Final = "_rig"


def load_schema(character: str, folders: Sequence[Path] = ()) -> ParameterSchema:
    """The schema of a character type.

    Raises UnknownCharacterError naming the known ones, or SchemaError with file and line.
    """
    return read_schema_file(find_schema_file(character, folders))


def list_schemas(folders: Sequence[Path] = ()) -> tuple[list[ParameterSchema], list[SchemaError]]:
    """Every character type that can be loaded, sorted by name, and what is wrong with the files of the others.

    A user's file hides a shipped one of the same name.
    """
    files = {path.stem: path for path in _schema_files(folders)}
    schemas, faults = [], []
    for name in sorted(files):
        try:
            schemas.append(read_schema_file(files[name]))
        except SchemaError as error:
            faults.append(error)
    return schemas, faults


def find_schema_file(character: str, folders: Sequence[Path] = ()) -> Path:
    """Where a character type is described. Raises UnknownCharacterError."""
    files = {path.stem: path for path in _schema_files(folders)}
    if character not in files:
        close = difflib.get_close_matches(character, files, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(files))}"
        raise UnknownCharacterError(f"character: no character type is called {character!r}; {hint}")
    return files[character]


def _schema_files(folders: Sequence[Path]) -> Iterator[Path]:
    """Character files, most important last, so that a later one replaces an earlier one of its name."""
    for folder in (SHIPPED_FOLDER, *reversed(folders)):
        yield from (path for path in sorted(folder.glob("*.yaml")) if not path.stem.endswith(RIG_SUFFIX))
