from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification import open_verification_set
from f2p_datasets.verification.pair_lists import read_pair_list

LIST = "Ann_0001.jpg 1\nAnn_0002.jpg 1\nBob_0001.jpg 2\nBob_0002.jpg 2\nAnn_0001.jpg 0\nBob_0001.jpg 0\n"


@pytest.fixture
def calfw(tmp_path: Path, photo_file: Callable[[Path, int], Path]) -> Path:
    for level, name in enumerate(("Ann_0001", "Ann_0002", "Bob_0001", "Bob_0002")):
        photo_file(tmp_path / "aligned images" / f"{name}.jpg", level)
    (tmp_path / "pairs_CALFW.txt").write_text(LIST)
    return tmp_path


def test_any_label_but_zero_means_the_same_person(calfw: Path) -> None:
    found = open_verification_set(calfw)
    shown = [int(found.pictures[index][0, 0, 0]) for index in range(len(found.pictures))]
    pairs = {(shown[a], shown[b], bool(same)) for (a, b), same in zip(found.pairs, found.same, strict=True)}
    assert pairs == {(0, 1, True), (2, 3, True), (0, 2, False)}


def test_folds_hold_both_kinds_although_all_same_pairs_come_first(calfw: Path) -> None:
    same, different = "Ann_0001.jpg 1\nAnn_0002.jpg 1\n" * 30, "Ann_0001.jpg 0\nBob_0001.jpg 0\n" * 30
    (calfw / "pairs_CALFW.txt").write_text(same + different)
    assert (read_pair_list(calfw, "calfw").same.reshape(10, 6).sum(1) == 3).all()


def test_cplfw_has_a_list_of_its_own_name(calfw: Path) -> None:
    (calfw / "pairs_CALFW.txt").rename(calfw / "pairs_CPLFW.txt")
    assert open_verification_set(calfw).name == "cplfw"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Ann_0001.jpg 1\n", "1 lines, but every pair has two"),
        ("Ann_0001.jpg 1\nAnn_0002.jpg 0\n", ":2: label 0, but 1 on the line before"),
        ("Ann_0001.jpg\nAnn_0002.jpg\n", ":1: expected a file and a label, found 1"),
        ("Ann_0001.jpg x\nAnn_0002.jpg x\n", ":1: expected a number, found 'x'"),
        ("../Ann_0001.jpg 1\nAnn_0002.jpg 1\n", "expected a file name without folders"),
        ("Cyd_0001.jpg 1\nAnn_0002.jpg 1\n", "1 of 2 pictures are missing, the first is .*Cyd_0001.jpg"),
    ],
)
def test_a_list_that_is_wrong_is_told(calfw: Path, text: str, message: str) -> None:
    (calfw / "pairs_CALFW.txt").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_pair_list(calfw, "calfw")
