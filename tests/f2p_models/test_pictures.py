from __future__ import annotations

import numpy as np
import pytest
import torch

from f2p_models.pictures import from_pictures, to_bytes, to_unit


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.Generator(np.random.Philox(3)).integers(0, 256, (2, 5, 7, 3), np.uint8)


def test_pictures_come_back_from_tensors_as_they_were(pictures: np.ndarray) -> None:
    tensor = from_pictures(pictures)
    assert (tensor.shape, tensor.dtype) == ((2, 3, 5, 7), torch.float32)
    np.testing.assert_array_equal(to_bytes(tensor), pictures)


def test_single_pictures_and_read_only_arrays_are_taken_too(pictures: np.ndarray) -> None:
    expected = from_pictures(pictures)
    pictures.flags.writeable = False
    assert torch.equal(from_pictures(list(pictures)), expected)


def test_black_is_zero_and_white_is_one() -> None:
    assert to_unit(torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)).flatten().tolist() == [0.0, 1.0]


def test_what_lies_outside_the_range_is_clamped() -> None:
    assert to_bytes(torch.tensor([-0.5, 1.5]).view(1, 1, 1, 2)).flatten().tolist() == [0, 255]
