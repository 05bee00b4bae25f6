"""face.evoLVe's verification sets: ``<name>/`` is a bcolz carray, ``<name>_list.npy`` the flags of its pairs.

The carray is (2 * pairs, 3, 112, 112) float32, (byte / 255 - 0.5) / 0.5, channels B, G, R. On disk (bcolz 1):

    meta/sizes     JSON, "shape"            meta/storage   JSON, "dtype", "chunklen"
    data/__<k>.blp  16 bytes of header ("blpk", version 1), then one blosc frame: ``chunklen`` rows, the last the rest
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import Picture
from f2p_datasets.durable import sha256_of
from f2p_datasets.errors import DatasetError
from f2p_datasets.verification.sets import VerificationSet

_FILE_HEADER_BYTES: Final = 16
_FRAME_HEADER_BYTES: Final = 16
_LARGEST_CHUNK_BYTES: Final = 1 << 30
_CHUNKS_KEPT: Final = 2


@dataclass(frozen=True)
class Carray:
    """A carray on disk, read chunk by chunk. Raises DatasetError for a folder that is none, or that is damaged."""

    folder: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk_rows: int
    _chunks: OrderedDict[int, npt.NDArray[Any]] = field(default_factory=OrderedDict, compare=False, repr=False)

    @classmethod
    def open(cls, folder: Path) -> Carray:
        sizes, storage = _read_json(folder / "meta" / "sizes"), _read_json(folder / "meta" / "storage")
        try:
            shape = tuple(int(size) for size in sizes["shape"])
            dtype, chunk_rows = np.dtype(storage["dtype"]), int(storage["chunklen"])
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(f"{folder / 'meta'}: not a bcolz array ({error})") from error
        if not shape or min(shape) < 1 or chunk_rows < 1 or dtype.hasobject:
            raise DatasetError(f"{folder / 'meta'}: a bcolz array of shape {shape} and type {dtype} cannot be read")
        return cls(folder, shape, dtype, chunk_rows)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def files(self) -> list[Path]:
        """Its chunks, in order."""
        return [self._file(chunk) for chunk in range(math.ceil(len(self) / self.chunk_rows))]

    def row(self, index: int) -> npt.NDArray[Any]:
        """Row ``index``; the last chunks read are kept, so rows in order cost one decompression per chunk."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        chunk, offset = divmod(index, self.chunk_rows)
        if chunk not in self._chunks:
            self._chunks[chunk] = self._read(chunk)
            while len(self._chunks) > _CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        row: npt.NDArray[Any] = self._chunks[chunk][offset]
        return row

    def _read(self, chunk: int) -> npt.NDArray[Any]:
        import blosc

        frame = self._frame(chunk)
        rows = min(self.chunk_rows, len(self) - chunk * self.chunk_rows)
        num_bytes, buffer_bytes = (int.from_bytes(frame[at : at + 4], "little") for at in (4, 12))
        whole = num_bytes in (rows * self.row_bytes, self.chunk_rows * self.row_bytes)
        if not whole or buffer_bytes != len(frame) or num_bytes > _LARGEST_CHUNK_BYTES:
            raise DatasetError(f"{self._file(chunk)}: cut short or of another shape; get the file again")
        try:
            content = blosc.decompress(frame)
        except Exception as error:  # blosc.error is of no public type
            raise DatasetError(f"{self._file(chunk)}: cannot be decompressed ({error})") from error
        whole_rows = np.frombuffer(content, self.dtype).reshape(-1, *self.shape[1:])
        return whole_rows[:rows]

    def _frame(self, chunk: int) -> bytes:
        file = self._file(chunk)
        try:
            content = file.read_bytes()
        except OSError as error:
            raise DatasetError(f"{file}: cannot be read ({error.strerror})") from error
        if content[:4] != b"blpk" or len(content) < _FILE_HEADER_BYTES + _FRAME_HEADER_BYTES:
            raise DatasetError(f"{file}: not a chunk of a bcolz array")
        return content[_FILE_HEADER_BYTES:]

    def _file(self, chunk: int) -> Path:
        return self.folder / "data" / f"__{chunk}.blp"


@dataclass(frozen=True)
class CarrayCrops:
    """The pictures in such a carray."""

    array: Carray

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, index: int) -> Picture:
        planes = self.array.row(index)[::-1]  # B, G, R -> R, G, B
        levels = np.clip(np.rint((planes * 0.5 + 0.5) * 255.0), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(levels.transpose(1, 2, 0))

    def digest(self) -> str:
        hasher = hashlib.sha256(repr((self.array.shape, str(self.array.dtype), self.array.chunk_rows)).encode())
        for file in self.array.files:
            if not file.is_file():
                raise DatasetError(f"{file}: missing; get the set again")
            hasher.update(sha256_of(file).encode())
        return hasher.hexdigest()


def read_carray_set(folder: Path) -> VerificationSet:
    """The set in a face.evoLVe folder, with the flags beside it. Raises DatasetError."""
    array = Carray.open(folder)
    if len(array.shape) != 4 or array.shape[1] != 3 or array.shape[2] != array.shape[3]:
        raise DatasetError(f"{folder}: expected pictures (N, 3, 112, 112), found {array.shape}")
    if array.dtype.kind != "f":
        raise DatasetError(f"{folder}: expected pictures as floating-point numbers, found {array.dtype}")
    flags = _read_flags(folder.parent / f"{folder.name}_list.npy")
    if len(array) != 2 * len(flags):
        raise DatasetError(f"{folder}: {len(array)} pictures for {len(flags)} flags; every pair has two pictures")
    return VerificationSet(
        name=folder.name,
        pictures=CarrayCrops(array),
        pairs=np.arange(len(array), dtype=np.int64).reshape(-1, 2),
        same=flags,
        framing="crops",
    )


def is_carray(folder: Path) -> bool:
    """Whether a folder looks like a bcolz array."""
    return (folder / "meta" / "storage").is_file()


def _read_flags(file: Path) -> npt.NDArray[np.bool_]:
    try:
        flags = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{file}: no flags can be read from it ({error})") from error
    if not isinstance(flags, np.ndarray) or flags.ndim != 1 or flags.dtype.kind not in "biu":
        raise DatasetError(f"{file}: expected one true or false per pair")
    return flags.astype(bool)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file}: missing or not JSON ({error}); is this a bcolz folder?") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{file}: expected a JSON object")
    return content
