from __future__ import annotations

from pathlib import Path

import pytest

from f2p_datasets.collections.cross_lfw import CALFW, has_pairs, list_calfw, list_cplfw
from f2p_datasets.errors import DatasetError


@pytest.fixture
def calfw(tmp_path: Path) -> Path:
    (tmp_path / "aligned images").mkdir()
    lines = ["Ann_Lee_0002.jpg 1", "Ann_Lee_0001.jpg 1", "Ann_Lee_0001.jpg 0", "Bo_Ek_0001.jpg 0"]
    (tmp_path / CALFW).write_bytes("\r\n".join([*lines, ""]).encode())
    return tmp_path


def test_every_photo_of_the_pairs_is_listed_once_with_its_person(calfw: Path) -> None:
    assert [(photo.name, photo.identity) for photo in list_calfw(calfw)] == [
        ("aligned images/Ann_Lee_0002.jpg", "Ann_Lee"),
        ("aligned images/Ann_Lee_0001.jpg", "Ann_Lee"),
        ("aligned images/Bo_Ek_0001.jpg", "Bo_Ek"),
    ]


def test_cplfws_shorter_numbers_are_read(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "pairs_CPLFW.txt").write_text("Ann_Lee_1.jpg 1\nAnn_Lee_2.jpg 1\n")
    assert [(photo.name, photo.identity) for photo in list_cplfw(tmp_path)] == [
        ("images/Ann_Lee_1.jpg", "Ann_Lee"),
        ("images/Ann_Lee_2.jpg", "Ann_Lee"),
    ]


@pytest.mark.parametrize("line", ["Ann_Lee_0001.jpg", "Ann_Lee_0001.jpg same", "portrait.jpg 1", "../x_0001.jpg 1"])
def test_a_line_that_is_no_photo_is_refused_with_its_number(calfw: Path, line: str) -> None:
    (calfw / CALFW).write_text(f"Ann_Lee_0001.jpg 1\n{line}\n")
    with pytest.raises(DatasetError, match=rf"{CALFW}:2: .* is no line of a photo's name and a label"):
        list_calfw(calfw)


def test_a_missing_list_is_refused_by_name(calfw: Path) -> None:
    (calfw / CALFW).unlink()
    assert not has_pairs(CALFW, calfw)
    with pytest.raises(DatasetError, match=rf"{CALFW}: missing"):
        list_calfw(calfw)


def test_an_empty_list_is_refused_by_name(calfw: Path) -> None:
    (calfw / CALFW).write_text("\n")
    with pytest.raises(DatasetError, match=rf"{CALFW}: names no photo"):
        list_calfw(calfw)


def test_tabs_before_the_label_are_as_good_as_spaces(calfw: Path) -> None:
    (calfw / CALFW).write_bytes(b"Ann_Lee_0001.jpg\t1\r\nAnn_Lee_0002.jpg\t1\r\n")
    assert [photo.identity for photo in list_calfw(calfw)] == ["Ann_Lee", "Ann_Lee"]
