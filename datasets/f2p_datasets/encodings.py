"""Lossless encodings of pictures and masks, by file extension.

``qoi`` has the best throughput per core and is the default; ``png`` and ``webp`` are for those who value size more
than time (docs/benchmarks.md has the numbers). Pillow reads all three.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import qoi
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.frames import Mask, Picture

Encoder = Callable[[Picture], bytes]

#: Level 1 with run-length matching and the UP filter: a third faster than cv2's default, and no larger.
_FAST_PNG: Final = [
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
]  # fmt: skip
_MASK_PNG: Final = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]


def encode_qoi(picture: Picture) -> bytes:
    """(H, W, 3) uint8 -> QOI file."""
    return bytes(qoi.encode(np.ascontiguousarray(picture)))


def encode_png(picture: Picture) -> bytes:
    """(H, W, 3) uint8 -> PNG file."""
    return _cv2_png(np.ascontiguousarray(picture[..., ::-1]), _FAST_PNG)


def encode_webp(picture: Picture) -> bytes:
    """(H, W, 3) uint8 -> lossless WebP file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, method=0, quality=0)
    return buffer.getvalue()


ENCODERS: Final[dict[str, Encoder]] = {"qoi": encode_qoi, "png": encode_png, "webp": encode_webp}
DEFAULT_ENCODING: Final = "qoi"


def check_encoding(name: str) -> None:
    """Raise InputError unless pictures can be written in that encoding."""
    if name not in ENCODERS:
        raise InputError(f"encoding: {name!r} is unknown; choose one of {', '.join(ENCODERS)}")


def decode_picture(data: bytes, encoding: str) -> Picture:
    """File bytes -> (H, W, 3) uint8 RGB."""
    if encoding == "qoi":
        return np.asarray(qoi.decode(data), np.uint8)
    if encoding == "png":
        return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def encode_mask(mask: Mask) -> bytes:
    """(H, W) uint8 part ids -> grey PNG file holding the ids themselves."""
    return _cv2_png(mask, _MASK_PNG)


def decode_mask(data: bytes) -> Mask:
    """Grey PNG file -> (H, W) uint8 part ids."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _cv2_png(pixels: npt.NDArray[np.uint8], options: list[int]) -> bytes:
    written, data = cv2.imencode(".png", pixels, options)
    if not written:
        raise RuntimeError("cv2 could not encode a PNG")
    return data.tobytes()
