"""Godot's own binary form of its values (``File.store_var``), so that a script loads 100,000 floats in one call.

Read by ``File.get_var`` (Godot 3) and ``FileAccess.get_var`` (Godot 4): a little-endian u32 with the length, then per
value a u32 with its type, then the value. Strings and byte arrays are padded to four bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Strings:
    """Becomes an array of strings."""

    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """Rows become an array of 2-D vectors, 3-D vectors or colours: ``rows`` is (N, 2), (N, 3) or (N, 4)."""

    rows: npt.NDArray[np.floating]


#: A plain (N,) array becomes an array of integers or of floats.
Variant = (
    float
    | str
    | bytes
    | Strings
    | Vectors
    | npt.NDArray[np.generic]
    | Sequence["Variant"]
    | Mapping[str, "Variant"]
    | None
)

NIL, REAL, STRING = 0, 3, 4
#: The type numbers that moved between the two versions.
TYPES: Final[Mapping[int, Mapping[str, int]]] = {
    3: {
        "dictionary": 18,
        "array": 19,
        "bytes": 20,
        "int": 21,
        "float": 22,
        "strings": 23,
        "rows2": 24,
        "rows3": 25,
        "rows4": 26,
    },
    4: {
        "dictionary": 27,
        "array": 28,
        "bytes": 29,
        "int": 30,
        "float": 32,
        "strings": 34,
        "rows2": 35,
        "rows3": 36,
        "rows4": 37,
    },
}


def store_variant(value: Variant, godot: int) -> bytes:
    """What ``get_var`` of Godot ``godot`` (3 or 4) reads back as the value."""
    body = _Writer(types=TYPES[godot]).encode(value)
    return struct.pack("<I", len(body)) + body


@dataclass(frozen=True, kw_only=True)
class _Writer:
    types: Mapping[str, int]

    def encode(self, value: Variant) -> bytes:
        match value:
            case None:
                body = struct.pack("<I", NIL)
            case float():
                body = struct.pack("<If", REAL, value)
            case str():
                body = struct.pack("<I", STRING) + _string(value)
            case bytes():
                body = self._counted("bytes", len(value)) + _padded(value)
            case Strings():
                items = (_string(item, ends=True) for item in value.items)
                body = self._counted("strings", len(value.items)) + b"".join(items)
            case Vectors() | np.ndarray():
                body = self._encode_numbers(value)
            case Mapping():
                entries = (self.encode(key) + self.encode(entry) for key, entry in value.items())
                body = self._counted("dictionary", len(value)) + b"".join(entries)
            case _:
                body = self._counted("array", len(value)) + b"".join(map(self.encode, value))
        return body

    def _encode_numbers(self, value: Vectors | npt.NDArray[np.generic]) -> bytes:
        if isinstance(value, Vectors):
            kind, numbers = f"rows{value.rows.shape[1]}", value.rows.astype("<f4")
        elif np.issubdtype(value.dtype, np.integer):
            kind, numbers = "int", value.astype("<i4")
        else:
            kind, numbers = "float", value.astype("<f4")
        return self._counted(kind, len(numbers)) + numbers.tobytes()

    def _counted(self, kind: str, count: int) -> bytes:
        return struct.pack("<II", self.types[kind], count)


def _string(text: str, *, ends: bool = False) -> bytes:
    """Length, UTF-8 and padding; inside an array of strings a closing zero is counted, too."""
    data = text.encode() + (b"\0" if ends else b"")
    return struct.pack("<I", len(data)) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
