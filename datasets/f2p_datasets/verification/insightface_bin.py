"""insightface's ``.bin``: a pickle of (encoded pictures, flags), pictures 2i and 2i+1 being pair i.

A pickle can name any function and have it called. The unpickler here looks nothing up: what these files need, plain
values and NumPy's byte arrays, has stand-ins of ours, and everything else is refused.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from engine_bridge.frames import Picture
from f2p_datasets.errors import DatasetError, PhotoError
from f2p_datasets.photos import LARGEST_PIXELS
from f2p_datasets.verification.sets import VerificationSet

_BYTE_TYPES: Final = ("u1", "|u1", "uint8")


@dataclass(frozen=True)
class EncodedPictures:
    """Pictures as the bytes of their JPEG files. ``file`` is where they come from."""

    file: Path
    encoded: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.encoded)

    def __getitem__(self, index: int) -> Picture:
        try:
            with Image.open(io.BytesIO(self.encoded[index])) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    raise ValueError(f"{image.width} x {image.height} pixels are too many")
                return np.array(image.convert("RGB"), np.uint8)
        except Exception as error:  # Pillow's many decoders raise almost anything on damaged files
            raise PhotoError(f"{self.file}: picture {index} cannot be read ({error})") from error

    def digest(self) -> str:
        hasher = hashlib.sha256()
        for content in self.encoded:
            hasher.update(len(content).to_bytes(8, "little") + content)
        return hasher.hexdigest()


def read_bin(file: Path) -> VerificationSet:
    """The set in a ``.bin``, pictures still encoded. Raises DatasetError for a file that is damaged, or no such set."""
    content = _unpickle(file)
    if not isinstance(content, tuple | list) or len(content) != 2:
        raise DatasetError(f"{file}: expected a pair of pictures and flags, found {type(content).__name__}")
    pictures, flags = content
    if not isinstance(pictures, list) or not isinstance(flags, list):
        raise DatasetError(f"{file}: expected two lists, found {type(pictures).__name__} and {type(flags).__name__}")
    if len(pictures) != 2 * len(flags) or not flags:
        raise DatasetError(f"{file}: {len(pictures)} pictures for {len(flags)} flags; every pair has two pictures")
    if not all(isinstance(flag, bool) or flag in (0, 1) for flag in flags):
        raise DatasetError(f"{file}: flags must be true or false")
    encoded = tuple(_bytes_of(file, index, picture) for index, picture in enumerate(pictures))
    return VerificationSet(
        name=file.stem,
        pictures=EncodedPictures(file, encoded),
        pairs=np.arange(len(pictures), dtype=np.int64).reshape(-1, 2),
        same=np.array([bool(flag) for flag in flags]),
        framing="crops",
    )


def _unpickle(file: Path) -> Any:
    try:
        with file.open("rb") as stream:
            return _PlainUnpickler(stream, encoding="bytes").load()
    except DatasetError as error:
        raise DatasetError(f"{file}: {error}") from error
    except OSError as error:
        raise DatasetError(f"{file}: cannot be read ({error.strerror})") from error
    except Exception as error:  # a cut or forged pickle ends in whatever its last instruction meets
        raise DatasetError(f"{file}: not an insightface set, or cut short ({error})") from error


class _ByteType:
    """Stands for ``numpy.dtype``: only bytes."""

    def __init__(self, kind: object, *_: object) -> None:
        name = kind.decode("latin1") if isinstance(kind, bytes) else kind
        if name not in _BYTE_TYPES:
            raise DatasetError(f"has an array of type {name!r}; encoded pictures are bytes")

    def __setstate__(self, state: object) -> None:
        """Byte order and the like: nothing that bytes have."""


class _ByteArray:
    """Stands for ``numpy.ndarray``: the bytes of a flat array of them."""

    content: bytes | None = None

    def __init__(self, *_: object) -> None:
        """As ``_reconstruct(ndarray, (0,), b'b')``: shape and content follow."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, _, content = state
        flat = isinstance(content, bytes) and math.prod(shape) == max(shape, default=0) == len(content)
        if not isinstance(kind, _ByteType) or not flat:
            raise DatasetError(f"has an array of shape {shape}; an encoded picture is one row of bytes")
        self.content = content


class _Encoded(bytes):
    """Stands for ``codecs.encode``, by which protocol 2 writes the bytes of Python 3. A type, and not a function: those
    have attributes that a pickle could set.
    """

    __slots__ = ()

    def __new__(cls, text: object, encoding: object = "latin1") -> _Encoded:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1", b"latin1", b"latin-1"):
            raise DatasetError(f"encodes text as {encoding!r}; it is not read")
        return super().__new__(cls, text.encode("latin1"))


#: Everything that these files name, and what takes its place: NumPy itself is never handed over.
_STAND_INS: Final[dict[tuple[str, str], Any]] = {
    ("numpy", "ndarray"): _ByteArray,
    ("numpy.core.multiarray", "_reconstruct"): _ByteArray,
    ("numpy._core.multiarray", "_reconstruct"): _ByteArray,
    ("numpy", "dtype"): _ByteType,
    ("_codecs", "encode"): _Encoded,
}


class _PlainUnpickler(pickle._Unpickler):
    """Numbers, text, bytes, lists, and NumPy arrays of bytes.

    The one in Python, because the one in C makes room for as many memories as a file's largest number says: nine bytes
    take gigabytes.
    """

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise DatasetError(f"names {module}.{name}, which such a set has no use for; it is not read") from None


def _bytes_of(file: Path, index: int, picture: object) -> bytes:
    content = picture.content if isinstance(picture, _ByteArray) else picture
    if not isinstance(content, bytes):
        raise DatasetError(f"{file}: picture {index} is no encoded file but {type(picture).__name__}")
    return content
