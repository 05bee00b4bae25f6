from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from f2p_datasets.collections.cfp import is_cfp, list_cfp
from f2p_datasets.errors import DatasetError


@pytest.fixture
def cfp(touch: Callable[..., None], tmp_path: Path) -> Path:
    touch("Data/Images/001/frontal/01.jpg", "Data/Images/001/frontal/02.jpg", "Data/Images/001/profile/01.jpg")
    touch("Data/Images/002/frontal/01.jpg", "Data/Images/002/profile/notes.txt")
    (tmp_path / "Data/list_name.txt").write_bytes(b"Ann Lee\r\nBo Ek\r\n")
    return tmp_path


def test_photos_come_with_name_and_view(cfp: Path) -> None:
    assert [(photo.name, photo.identity, photo.partition) for photo in list_cfp(cfp)] == [
        ("Data/Images/001/frontal/01.jpg", "Ann Lee", "frontal"),
        ("Data/Images/001/frontal/02.jpg", "Ann Lee", "frontal"),
        ("Data/Images/001/profile/01.jpg", "Ann Lee", "profile"),
        ("Data/Images/002/frontal/01.jpg", "Bo Ek", "frontal"),
    ]


def test_a_view_is_a_partition(cfp: Path) -> None:
    assert [photo.name for photo in list_cfp(cfp, "profile")] == ["Data/Images/001/profile/01.jpg"]


def test_without_the_list_of_names_people_are_numbers(cfp: Path) -> None:
    (cfp / "Data/list_name.txt").unlink()
    assert {photo.identity for photo in list_cfp(cfp)} == {"001", "002"}


def test_a_list_of_fewer_names_than_people_is_refused(cfp: Path) -> None:
    (cfp / "Data/list_name.txt").write_text("Ann Lee\n")
    with pytest.raises(DatasetError, match=r"list_name.txt: has 1 names, there is a person 002"):
        list_cfp(cfp)


def test_people_below_train_and_test_are_found(touch: Callable[..., None], tmp_path: Path) -> None:
    touch("Images/train/001/frontal/01.jpg", "Images/test/451/frontal/01.jpg")
    assert [photo.identity for photo in list_cfp(tmp_path)] == ["001", "451"]


def test_another_folder_is_not_taken_for_it(cfp: Path, touch: Callable[..., None]) -> None:
    assert is_cfp(cfp)
    touch("other/Images/holiday/01.jpg")
    assert not is_cfp(cfp / "other")
    with pytest.raises(DatasetError, match="has no Data/Images/001/frontal; give the folder in which"):
        list_cfp(cfp / "other")
