"""Pictures and masks on the wire: ``raw`` bytes, or 8-bit PNG files.

Decoding is for what an engine sent and nobody has checked: sizes are compared before anything is allocated.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Mask, Picture
from engine_bridge.remote.wire.messages import Bytes

_PNG_START: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_GREY, _RGB = 0, 2  # PNG colour types


class Encoded(NamedTuple):
    """A picture and its mask as they travel."""

    picture: Bytes
    mask: Bytes


def encode_pictures(picture: Picture, mask: Mask, encoding: str) -> Encoded:
    """Picture (H, W, 3) and mask (H, W), both uint8, as ``raw`` or ``png``."""
    if encoding == "raw":
        return Encoded(_flatten(picture), _flatten(mask))
    return Encoded(_write_png(picture[..., ::-1]), _write_png(mask))


def decode_pictures(encoded: Encoded, side: int, encoding: str) -> tuple[Picture, Mask]:
    """Picture (side, side, 3) and mask (side, side) as arrays of their own. Raises FrameRejectedError."""
    if encoding == "raw":
        return _read_raw(encoded.picture, (side, side, 3)), _read_raw(encoded.mask, (side, side))
    picture = _read_png(encoded.picture, side, _RGB)
    return np.ascontiguousarray(picture[..., ::-1]), _read_png(encoded.mask, side, _GREY)


def _flatten(pixels: npt.NDArray[np.uint8]) -> memoryview:
    return np.ascontiguousarray(pixels).reshape(-1).data


def _read_raw(data: Bytes, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    expected = int(np.prod(shape))
    if len(data) != expected:
        raise FrameRejectedError(f"{len(data)} raw bytes, expected {expected} for uint8 {shape}")
    return np.frombuffer(data, np.uint8).reshape(shape).copy()


def _read_png(data: Bytes, side: int, color_type: int) -> npt.NDArray[np.uint8]:
    """BGR (side, side, 3) or grey (side, side). The header is read first, so that no PNG can unpack to gigabytes."""
    import cv2

    if bytes(data[:16]) != _PNG_START or len(data) < 33:
        raise FrameRejectedError("not a PNG file")
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    if (width, height, depth, kind) != (side, side, 8, color_type):
        raise FrameRejectedError(
            f"PNG of {width} x {height} pixels, {depth} bit, colour type {kind}; "
            f"expected {side} x {side}, 8 bit, colour type {color_type}"
        )
    pixels = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE if color_type == _GREY else cv2.IMREAD_COLOR
    )
    if pixels is None or pixels.shape[:2] != (side, side):
        raise FrameRejectedError("damaged PNG file")
    return pixels.astype(np.uint8, copy=False)


def _write_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    import cv2

    written, data = cv2.imencode(".png", np.ascontiguousarray(pixels), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not written:
        raise RuntimeError(f"OpenCV cannot write {pixels.dtype} {pixels.shape} as PNG")
    return data.tobytes()
