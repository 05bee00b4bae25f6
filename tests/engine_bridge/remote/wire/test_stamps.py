from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Mask, Picture
from engine_bridge.remote.wire.stamps import Stamp, check_stamp, paint_stamp, remove_stamp


def grey() -> tuple[Picture, Mask]:
    return np.full((16, 16, 3), 90, np.uint8), np.ones((16, 16), np.uint8)


def stamped(request_id: int) -> tuple[Picture, Mask]:
    picture, mask = grey()
    paint_stamp(picture, mask, Stamp(request_id))
    return picture, mask


def test_the_colour_is_the_one_of_the_specification() -> None:
    assert Stamp(512 + 5 + 8 * 3 + 64 * 2).color == (176, 112, 80)
    assert Stamp(25).part == 3


@given(st.integers(0, 2**31 - 1))
def test_a_painted_stamp_is_recognised(request_id: int) -> None:
    check_stamp(*stamped(request_id), Stamp(request_id))


@given(st.integers(0, 2**31 - 1), st.integers(1, 511))
def test_the_stamp_of_another_request_is_rejected(request_id: int, distance: int) -> None:
    with pytest.raises(FrameRejectedError, match="another frame's picture"):
        check_stamp(*stamped(request_id), Stamp(request_id + distance))


def test_the_rejection_tells_which_stamp_is_shown() -> None:
    with pytest.raises(FrameRejectedError, match=r"shows the stamp 41, expected the stamp 42"):
        check_stamp(*stamped(41), Stamp(42))


def test_a_picture_without_a_stamp_is_rejected() -> None:
    with pytest.raises(FrameRejectedError):
        check_stamp(*grey(), Stamp(1))


def test_a_late_mask_under_a_right_picture_is_rejected() -> None:
    (picture, _), (_, mask) = stamped(8), stamped(7)
    with pytest.raises(FrameRejectedError, match="another frame's mask"):
        check_stamp(picture, mask, Stamp(8))


@given(st.integers(0, 511), st.integers(-15, 15))
def test_a_small_shift_of_colour_is_tolerated(request_id: int, shift: int) -> None:
    picture, mask = stamped(request_id)
    shifted = (picture.astype(int) + shift).clip(0, 255).astype(np.uint8)
    check_stamp(shifted, mask, Stamp(request_id))


def test_removing_leaves_the_pixels_to_its_right() -> None:
    picture, mask = stamped(3)
    remove_stamp(picture, mask)
    expected_picture, expected_mask = grey()
    np.testing.assert_array_equal(picture, expected_picture)
    np.testing.assert_array_equal(mask, expected_mask)
