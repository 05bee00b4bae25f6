from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from f2p_datasets.collections.lfw import is_lfw, lfw_training, list_lfw, read_people
from f2p_datasets.errors import DatasetError


@pytest.fixture
def lfw(touch: Callable[..., None], tmp_path: Path) -> Path:
    """Three people; the lists name one more."""
    touch("lfw/Ann_Lee/Ann_Lee_0002.jpg", "lfw/Ann_Lee/Ann_Lee_0001.jpg", "lfw/Ann_Lee/thumbs.db")
    touch("lfw/Bo_Ek/Bo_Ek_0001.jpg", "lfw/Cy_Fox/Cy_Fox_0001.jpg")
    (tmp_path / "lfw/peopleDevTrain.txt").write_text("2\nAnn_Lee\t2\nZoe_Orr\t1\n")
    (tmp_path / "lfw/peopleDevTest.txt").write_text("1\nBo_Ek\t1\n")
    return tmp_path / "lfw"


def test_photos_come_with_their_person_and_view_one(lfw: Path) -> None:
    assert [(photo.name, photo.identity, photo.partition) for photo in list_lfw(lfw)] == [
        ("Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee", "peopleDevTrain"),
        ("Ann_Lee/Ann_Lee_0002.jpg", "Ann_Lee", "peopleDevTrain"),
        ("Bo_Ek/Bo_Ek_0001.jpg", "Bo_Ek", "peopleDevTest"),
        ("Cy_Fox/Cy_Fox_0001.jpg", "Cy_Fox", None),
    ]


def test_a_list_is_a_partition(lfw: Path) -> None:
    assert {photo.identity for photo in list_lfw(lfw, "peopleDevTrain")} == {"Ann_Lee"}


def test_people_of_all_folds_are_read(lfw: Path) -> None:
    (lfw / "people.txt").write_text("2\r\n1\r\nAnn_Lee\t2\r\n1\r\nCy_Fox\t1\r\n")
    assert read_people(lfw / "people.txt") == {"Ann_Lee", "Cy_Fox"}
    assert {photo.identity for photo in list_lfw(lfw, "people")} == {"Ann_Lee", "Cy_Fox"}


def test_lists_beside_the_photos_folder_are_found(lfw: Path) -> None:
    for name in ("peopleDevTrain.txt", "peopleDevTest.txt"):
        (lfw / name).rename(lfw.parent / name)
    assert {photo.identity for photo in list_lfw(lfw, "peopleDevTest")} == {"Bo_Ek"}


def test_without_its_list_nothing_is_the_training_partition(lfw: Path) -> None:
    assert lfw_training(lfw) == "peopleDevTrain"
    (lfw / "peopleDevTrain.txt").unlink()
    assert lfw_training(lfw) is None


def test_a_missing_list_is_refused_with_those_there_are(lfw: Path) -> None:
    with pytest.raises(DatasetError, match=r"has no list 'people'\.txt; choose one of peopleDevTest, peopleDevTrain"):
        list_lfw(lfw, "people")


@pytest.mark.parametrize("line", ["Ann_Lee", "Ann_Lee\tmany", "Ann Lee\t2"])
def test_a_line_that_is_no_person_is_refused_with_its_number(lfw: Path, line: str) -> None:
    (lfw / "peopleDevTrain.txt").write_text(f"1\n{line}\n")
    with pytest.raises(DatasetError, match=r"peopleDevTrain.txt:2: .* is no line of a person"):
        list_lfw(lfw)


def test_a_list_of_people_who_are_not_there_is_refused(lfw: Path) -> None:
    (lfw / "peopleDevTrain.txt").write_text("1\n../../etc\t1\n")
    with pytest.raises(DatasetError, match="none of its 1 people has a folder"):
        list_lfw(lfw, "peopleDevTrain")


def test_the_layout_is_recognised_by_names_of_folders_and_photos(lfw: Path, touch: Callable[..., None]) -> None:
    assert is_lfw(lfw)
    touch("holidays/2020/IMG_0001.jpg", "holidays/2021/IMG_0001.jpg")
    assert not is_lfw(lfw.parent / "holidays")


def test_an_empty_folder_among_the_people_is_passed_over(lfw: Path) -> None:
    (lfw / "Aaa_Empty").mkdir()
    assert is_lfw(lfw)


def test_an_archive_unpacked_beside_its_lists_is_lfw(touch: Callable[..., None], tmp_path: Path) -> None:
    touch("set/lfw_funneled/Ann_Lee/Ann_Lee_0001.jpg", "set/lfw_funneled/Bo_Ek/Bo_Ek_0001.jpg")
    (tmp_path / "set/peopleDevTrain.txt").write_text("1\nAnn_Lee\t1\n")
    assert is_lfw(tmp_path / "set")
    assert [photo.name for photo in list_lfw(tmp_path / "set", "peopleDevTrain")] == [
        "lfw_funneled/Ann_Lee/Ann_Lee_0001.jpg"
    ]
