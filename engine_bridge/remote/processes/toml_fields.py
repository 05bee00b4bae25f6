"""TOML tables whose every complaint says file, key and the way out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from engine_bridge.errors import InputError


class Fields:
    """The fields of one table. Every accessor raises InputError; :meth:`finish` refuses what nobody asked for."""

    def __init__(self, path: Path, table: str, values: Any) -> None:
        self._path, self._table, self._asked = path, table, set[str]()
        if not isinstance(values, dict):
            raise InputError(f"{path}: {table}: must be a table, written [{table}]")
        self._values: dict[str, Any] = values

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields, in the file's order."""
        return tuple(self._values)

    @property
    def given(self) -> bool:
        return bool(self._values)

    def fail(self, key: str, way_out: str) -> NoReturn:
        """Raise InputError: FILE: TABLE.KEY: the way out."""
        place = f"{self._table}.{key}" if self._table else key
        raise InputError(f"{self._path}: {place}: {way_out}")

    def text(self, key: str, default: str | None = None) -> str:
        """One text; without a default it must be there and not be empty."""
        value = self._take(key, default)
        if not isinstance(value, str) or (default is None and not value):
            self.fail(key, "must be a text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty when it is not there."""
        values = self._take(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
            self.fail(key, 'must be a list of texts, such as ["one", "two"]')
        return tuple(values)

    def choice(self, key: str, choices: Sequence[str], default: str | None) -> str:
        value = self.text(key, default)
        if value not in choices:
            self.fail(key, f"{value!r} is unknown; choose one of {', '.join(choices)}")
        return value

    def number(self, key: str, default: float, minimum: float = 0) -> float:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value < math.inf:
            self.fail(key, f"must be a number of at least {minimum:g}")
        return float(value)

    def table(self, key: str) -> Fields:
        """A table, empty when it is not there."""
        return Fields(self._path, f"{self._table}.{key}".lstrip("."), self._take(key, {}))

    def tables(self, key: str) -> list[Fields]:
        """A list of tables, written [[key]]."""
        values = self._take(key, [])
        if not isinstance(values, list):
            self.fail(key, f"must be tables, each written [[{key}]]")
        return [Fields(self._path, f"{key}[{index}]", value) for index, value in enumerate(values)]

    def finish(self) -> None:
        """Refuse a field that nobody asked for: a misspelt one would be ignored in silence."""
        for key in self._values:
            if key not in self._asked:
                self.fail(key, f"is unknown here; known: {', '.join(sorted(self._asked))}")

    def _take(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        value = self._values.get(key, default)
        if value is None:
            self.fail(key, "is missing")
        return value
