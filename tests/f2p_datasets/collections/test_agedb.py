from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from f2p_datasets.collections.agedb import is_agedb, list_agedb
from f2p_datasets.errors import DatasetError


@pytest.fixture
def agedb(touch: Callable[..., None], tmp_path: Path) -> Path:
    touch("10_MariaCallas_41_f.jpg", "2_MariaCallas_35_f.jpg", "11_Bo_Ek_7_m.jpg")
    return tmp_path


def test_a_name_says_who_how_old_and_which_sex_in_the_order_of_its_numbers(agedb: Path) -> None:
    assert [(photo.name, photo.identity, photo.attributes) for photo in list_agedb(agedb)] == [
        ("2_MariaCallas_35_f.jpg", "MariaCallas", ("age-35", "f")),
        ("10_MariaCallas_41_f.jpg", "MariaCallas", ("age-41", "f")),
        ("11_Bo_Ek_7_m.jpg", "Bo_Ek", ("age-7", "m")),
    ]


@pytest.mark.parametrize("name", ["portrait.jpg", "3_MariaCallas_old_f.jpg", "3_MariaCallas_35_x.jpg"])
def test_a_name_of_another_kind_is_refused(agedb: Path, name: str) -> None:
    (agedb / name).touch()
    with pytest.raises(DatasetError, match=rf"{name}: its name is not NUMBER_PERSON_AGE_SEX.jpg"):
        list_agedb(agedb)


def test_it_has_no_partitions(agedb: Path) -> None:
    with pytest.raises(DatasetError, match="this collection has no partitions, leave it out"):
        list_agedb(agedb, "train")


def test_the_layout_is_recognised_by_the_names(agedb: Path, touch: Callable[..., None]) -> None:
    assert is_agedb(agedb)
    touch("other/IMG_1.jpg")
    assert not is_agedb(agedb / "other")
