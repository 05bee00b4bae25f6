from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from f2p_datasets.backgrounds import read_backgrounds
from f2p_datasets.errors import PhotoError


def test_the_middle_squares_of_all_photos_are_taken(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = (200, 100, 50)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.new("RGB", (30, 30), (1, 2, 3)).save(tmp_path / "square.png")
    backgrounds = read_backgrounds(tmp_path, side_px=16)
    assert backgrounds.shape == (2, 3, 16, 16)
    assert backgrounds[:, :, 8, 8].tolist() == [[1, 2, 3], [200, 100, 50]]


def test_of_many_photos_some_are_taken_evenly(tmp_path: Path) -> None:
    for number in range(9):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / f"{number}.png")
    assert read_backgrounds(tmp_path, most=3, side_px=16)[:, 0, 0, 0].tolist() == [0, 4, 8]


def test_damaged_photos_are_passed_over_and_a_folder_of_them_refused(tmp_path: Path) -> None:
    (tmp_path / "damaged.jpg").write_text("no photo")
    with pytest.raises(PhotoError, match="none of its 1 photos can be read"):
        read_backgrounds(tmp_path)
    Image.new("RGB", (16, 16)).save(tmp_path / "fine.png")
    assert len(read_backgrounds(tmp_path)) == 1
