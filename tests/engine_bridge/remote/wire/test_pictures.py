from __future__ import annotations

import struct

import numpy as np
import pytest

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Mask, Picture
from engine_bridge.remote.wire.pictures import Encoded, decode_pictures, encode_pictures

SIDE = 24


@pytest.fixture
def drawn() -> tuple[Picture, Mask]:
    random = np.random.default_rng(3)
    return random.integers(0, 256, (SIDE, SIDE, 3), np.uint8), random.integers(0, 11, (SIDE, SIDE), np.uint8)


@pytest.mark.parametrize("encoding", ["raw", "png"])
def test_pictures_arrive_bit_for_bit(drawn: tuple[Picture, Mask], encoding: str) -> None:
    picture, mask = decode_pictures(encode_pictures(*drawn, encoding), SIDE, encoding)
    np.testing.assert_array_equal(picture, drawn[0])
    np.testing.assert_array_equal(mask, drawn[1])


@pytest.mark.parametrize("encoding", ["raw", "png"])
def test_decoded_pictures_can_be_written_to(drawn: tuple[Picture, Mask], encoding: str) -> None:
    picture, mask = decode_pictures(encode_pictures(*drawn, encoding), SIDE, encoding)
    assert picture.flags.writeable
    assert mask.flags.writeable
    assert picture.flags.c_contiguous


def test_raw_bytes_of_another_length_are_rejected(drawn: tuple[Picture, Mask]) -> None:
    encoded = encode_pictures(*drawn, "raw")
    with pytest.raises(FrameRejectedError, match="raw bytes"):
        decode_pictures(Encoded(encoded.picture[:-1], encoded.mask), SIDE, "raw")


def test_a_png_of_another_size_is_rejected_by_its_header(drawn: tuple[Picture, Mask]) -> None:
    encoded = encode_pictures(*drawn, "png")
    bomb = bytes(encoded.picture[:16]) + struct.pack(">II", 60_000, 60_000) + bytes(encoded.picture[24:])
    with pytest.raises(FrameRejectedError, match="60000 x 60000"):
        decode_pictures(Encoded(bomb, encoded.mask), SIDE, "png")


def test_a_grey_png_is_no_picture(drawn: tuple[Picture, Mask]) -> None:
    encoded = encode_pictures(*drawn, "png")
    with pytest.raises(FrameRejectedError, match="colour type 0"):
        decode_pictures(Encoded(encoded.mask, encoded.mask), SIDE, "png")


@pytest.mark.parametrize("damage", [b"", b"\x89PNG", b"GIF89a" + bytes(100)])
def test_what_is_no_png_is_rejected(drawn: tuple[Picture, Mask], damage: bytes) -> None:
    with pytest.raises(FrameRejectedError, match="not a PNG"):
        decode_pictures(Encoded(damage, b""), SIDE, "png")


def test_a_png_that_ends_early_is_rejected(drawn: tuple[Picture, Mask]) -> None:
    encoded = encode_pictures(*drawn, "png")
    with pytest.raises(FrameRejectedError, match="damaged"):
        decode_pictures(Encoded(encoded.picture[: len(encoded.picture) // 2], encoded.mask), SIDE, "png")
