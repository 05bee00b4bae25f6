"""Fixtures of the collections' tests: made-up miniature copies, whose photos are small and of nobody."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Touch = Callable[..., None]
WriteTar = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    """A readable photo of nothing, 24 x 20 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 24, 3), 120, np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    """``touch("a/b.jpg", ...)`` makes empty files below the temporary folder: listings do not open photos."""

    def make(*names: str) -> None:
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()

    return make


@pytest.fixture
def write_tar() -> WriteTar:
    """A plain tar of members by name."""

    def write(path: Path, members: Mapping[str, bytes]) -> Path:
        with tarfile.open(path, "w") as archive:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        return path

    return write
