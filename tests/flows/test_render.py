from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from flows.render import list_training_photos


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photos in CelebA's folder for pictures."""
    folder = tmp_path / "img_align_celeba"
    folder.mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (8, 8)).save(folder / f"00000{number}.jpg")
    return tmp_path


def test_of_celeba_only_the_training_partition_is_learned_from(photos: Path) -> None:
    (photos / "list_eval_partition.txt").write_text("000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")
    assert [photo.name for photo in list_training_photos(photos)] == ["000001.jpg"]


def test_of_any_other_folder_all_photos_are_learned_from(photos: Path) -> None:
    assert len(list_training_photos(photos)) == 3
