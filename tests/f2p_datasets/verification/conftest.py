"""Miniature copies of verification sets, written as their formats say."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import blosc
import numpy as np
import pytest
from PIL import Image

from engine_bridge.frames import Picture


@pytest.fixture
def photo_file() -> Callable[[Path, int], Path]:
    """Write a photo of one level of grey, by which it is known again. Lossless, whatever its suffix says."""

    def write(path: Path, level: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 20), (level, level, level)).save(path, "PNG")
        return path

    return write


@pytest.fixture
def lfw(tmp_path: Path, photo_file: Callable[[Path, int], Path]) -> Path:
    """Three people of two photos each."""
    for number, name in enumerate(("Ann_A", "Bob_B", "Cyd_C")):
        for photo in (1, 2):
            photo_file(tmp_path / "lfw" / name / f"{name}_{photo:04d}.jpg", 10 * number + photo)
    return tmp_path / "lfw"


@pytest.fixture
def write_carray() -> Callable[..., Path]:
    """A bcolz 1 carray: ``meta``, ``__attrs__``, and blosc frames behind a header of 16 bytes each."""

    def write(folder: Path, rows: np.ndarray, flags: Sequence[bool], chunk_rows: int = 3) -> Path:
        for name in ("meta", "data"):
            (folder / name).mkdir(parents=True)
        sizes = {"shape": list(rows.shape), "nbytes": rows.nbytes, "cbytes": 0}
        storage = {"dtype": str(rows.dtype), "cparams": {"clevel": 5}, "chunklen": chunk_rows, "dflt": 0.0}
        (folder / "meta" / "sizes").write_text(json.dumps(sizes))
        (folder / "meta" / "storage").write_text(json.dumps(storage))
        (folder / "__attrs__").write_text("{}")
        for chunk, start in enumerate(range(0, len(rows), chunk_rows)):
            frame = blosc.compress(rows[start : start + chunk_rows].tobytes(), typesize=rows.dtype.itemsize)
            header = b"blpk\x01\x00\x00\x00" + (1).to_bytes(8, "little")
            (folder / "data" / f"__{chunk}.blp").write_bytes(header + frame)
        np.save(folder.parent / f"{folder.name}_list.npy", np.array(flags, bool))
        return folder

    return write


@pytest.fixture
def crops() -> list[Picture]:
    """Eight 112 x 112 pictures of noise."""
    generator = np.random.Generator(np.random.Philox(0))
    return list(generator.integers(0, 256, (8, 112, 112, 3), np.uint8))


@pytest.fixture
def png_bytes() -> Callable[[Picture], bytes]:
    """Lossless, so that what is read can be compared."""

    def encode(picture: Picture) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        return buffer.getvalue()

    return encode
