"""Damage to files as disks, copies and careless hands do it; the same for the same generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np


def flip_a_byte(path: Path, draw: np.random.Generator) -> None:
    """One byte has another value."""
    content = bytearray(path.read_bytes())
    if content:
        content[int(draw.integers(len(content)))] ^= int(draw.integers(1, 256))
    _replace(path, bytes(content))


def cut(path: Path, draw: np.random.Generator) -> None:
    """The end is missing, at least a byte of it."""
    content = path.read_bytes()
    _replace(path, content[: int(draw.integers(len(content)))] if content else b"")


def empty(path: Path, draw: np.random.Generator) -> None:  # noqa: ARG001 - every damage is drawn alike
    """Nothing in it."""
    _replace(path, b"")


def overwrite(path: Path, draw: np.random.Generator) -> None:
    """Noise from the start on, a sector of it at most."""
    content = path.read_bytes()
    noise = draw.bytes(min(512, len(content)))
    _replace(path, noise + content[len(noise) :])


def remove(path: Path, draw: np.random.Generator) -> None:  # noqa: ARG001
    """Gone."""
    path.unlink()


DAMAGES: Final[Mapping[str, Callable[[Path, np.random.Generator], None]]] = {
    "a byte flipped": flip_a_byte,
    "cut": cut,
    "emptied": empty,
    "overwritten with noise": overwrite,
    "removed": remove,
}


def _replace(path: Path, content: bytes) -> None:
    """Never through the file itself: other homes may share it."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(content)
    path.chmod(mode)
