from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine_bridge.errors import InputError
from engine_bridge.frames import Picture
from f2p_datasets.encodings import ENCODERS, check_encoding, decode_mask, decode_picture, encode_mask


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_pictures_survive_every_encoding_unchanged(name: str, astronaut: Picture) -> None:
    np.testing.assert_array_equal(decode_picture(ENCODERS[name](astronaut), name), astronaut)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_pillow_reads_every_encoding(name: str, astronaut: Picture) -> None:
    picture = np.asarray(Image.open(io.BytesIO(ENCODERS[name](astronaut))))
    np.testing.assert_array_equal(picture, astronaut)


def test_masks_are_grey_pngs_of_the_part_ids_themselves() -> None:
    mask = (np.arange(64 * 64).reshape(64, 64) % 11).astype(np.uint8)
    np.testing.assert_array_equal(decode_mask(encode_mask(mask)), mask)
    with Image.open(io.BytesIO(encode_mask(mask))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), mask)


def test_a_lossy_encoding_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match="'jpg' is unknown; choose one of qoi, png, webp"):
        check_encoding("jpg")
