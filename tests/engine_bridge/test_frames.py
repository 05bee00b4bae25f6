"""Frames are believed only when they can be the answer to their request."""

from dataclasses import replace

import numpy as np
import pytest

from engine_bridge.errors import FrameRejectedError, InputError
from engine_bridge.frames import Frame, RenderRequest, check_frame

VECTOR = np.full(5, 0.5, np.float32)
REQUEST = RenderRequest(request_id=7, character="tiny", vector=VECTOR, resolution=16)
PICTURE = np.arange(16 * 16 * 3, dtype=np.uint32).astype(np.uint8).reshape(16, 16, 3)
FRAME = Frame(request_id=7, frame_id=1, vector=VECTOR, picture=PICTURE, mask=np.zeros((16, 16), np.uint8))


def test_a_good_frame_passes_unchanged() -> None:
    assert check_frame(FRAME, REQUEST) is FRAME


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"request_id": 8}, "answers request 8, expected 7"),
        ({"picture": PICTURE[:8]}, "picture is uint8"),
        ({"picture": PICTURE.astype(np.float32)}, "picture is float32"),
        ({"picture": np.zeros_like(PICTURE)}, "one constant colour"),
        ({"picture": np.full_like(PICTURE, (69, 76, 88))}, "one constant colour"),
        ({"mask": PICTURE[..., 0]}, "the mask is not a mask"),
        ({"mask": np.zeros((8, 8), np.uint8)}, "the mask is not a mask"),
        ({"vector": VECTOR[:3]}, "vector of another length"),
    ],
)
def test_a_frame_that_cannot_be_trusted_is_rejected(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(FrameRejectedError, match=complaint):
        check_frame(replace(FRAME, **change), REQUEST)


@pytest.mark.parametrize("pixel", [(0, 0), (7, 9), (15, 15)])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_one_other_pixel_makes_a_picture(pixel: tuple[int, int], channel: int) -> None:
    picture = np.full_like(PICTURE, (69, 76, 88))
    picture[(*pixel, channel)] += 1
    assert check_frame(replace(FRAME, picture=picture), REQUEST).picture is picture


@pytest.mark.parametrize("resolution", [0, 15, 5000])
def test_a_request_of_an_impossible_size_is_refused(resolution: int) -> None:
    with pytest.raises(InputError, match="resolution"):
        RenderRequest(request_id=0, character="tiny", vector=VECTOR, resolution=resolution)
