from __future__ import annotations

from pathlib import Path

import pytest

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification import open_verification_set
from f2p_datasets.verification.lfw import read_lfw

VIEW_1 = "2\nAnn_A\t1\t2\nBob_B\t1\t2\nAnn_A\t1\tBob_B\t2\nBob_B\t1\tCyd_C\t1\n"
#: Photos are known by their level: 10 times the person's number plus the photo's.
LEVELS_1 = {(1, 2, True), (11, 12, True), (1, 12, False), (11, 21, False)}


def levels(lfw: Path, pairs: str) -> list[tuple[int, int, bool]]:
    found = read_lfw(lfw, pairs)
    shown = [int(found.pictures[index][0, 0, 0]) for index in range(len(found.pictures))]
    return [(shown[a], shown[b], bool(same)) for (a, b), same in zip(found.pairs, found.same, strict=True)]


def test_view_1_is_all_same_pairs_and_then_all_different_ones(lfw: Path) -> None:
    (lfw / "pairsDevTest.txt").write_text(VIEW_1)
    assert set(levels(lfw, "pairsDevTest.txt")) == LEVELS_1


def test_view_2_keeps_the_order_of_its_folds(lfw: Path) -> None:
    (lfw / "pairs.txt").write_text("2\t1\nAnn_A\t1\t2\nAnn_A\t1\tBob_B\t2\nBob_B\t2\t1\nCyd_C\t2\tAnn_A\t1\n")
    assert levels(lfw, "pairs.txt") == [(1, 2, True), (1, 12, False), (12, 11, True), (22, 1, False)]


def test_windows_line_ends_are_read(lfw: Path) -> None:
    (lfw / "own.txt").write_bytes(VIEW_1.replace("\n", "\r\n").encode())
    assert set(levels(lfw, "own.txt")) == LEVELS_1


def test_view_1_is_dealt_to_folds_that_hold_both_kinds(lfw: Path) -> None:
    same, different = "Ann_A\t1\t2\n" * 20, "Ann_A\t1\tBob_B\t2\n" * 20
    (lfw / "pairsDevTest.txt").write_text(f"20\n{same}{different}")
    folds = read_lfw(lfw).same.reshape(10, 4)
    assert (folds.sum(1) == 2).all()


def test_a_photo_in_several_pairs_is_one_picture(lfw: Path) -> None:
    (lfw / "pairsDevTest.txt").write_text(VIEW_1)
    assert len(read_lfw(lfw).pictures) == 5


def test_the_published_list_goes_before_the_development_list(lfw: Path) -> None:
    (lfw / "pairsDevTest.txt").write_text(VIEW_1)
    (lfw / "pairs.txt").write_text("1\t1\nAnn_A\t1\t2\nAnn_A\t1\tBob_B\t2\n")
    assert open_verification_set(lfw).name == "lfw-pairs"


def test_photos_in_the_archives_own_folder_are_found(lfw: Path) -> None:
    (lfw / "pairsDevTest.txt").write_text(VIEW_1)
    people = lfw / "lfw-deepfunneled"
    people.mkdir()
    for name in ("Ann_A", "Bob_B", "Cyd_C"):
        (lfw / name).rename(people / name)
    assert read_lfw(lfw).num_pairs == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\nAnn_A\t1\t2\n", "says 6 pairs, it has 1"),
        ("2\n" + "Ann_A\t1\t2\n" * 3, "says 4 pairs, it has 3"),
        ("1\nAnn_A\t1\nAnn_A\t1\tBob_B\t2\n", r"own.txt:2: a pair of same people has 3 fields, found 2"),
        ("1\nAnn_A\t1\t2\nAnn_A\tone\tBob_B\t2\n", r"own.txt:3: expected a number, found 'one'"),
        ("1\nAnn_A\t1\t2\nAnn_A\t1\tBob_B\t9\n", r"1 of 3 pictures are missing, the first is .*Bob_B_0009.jpg"),
        ("1\nNobody\t1\t2\nAnn_A\t1\tBob_B\t2\n", "holds no folder 'Nobody'"),
        ("ten\n", "expected a number, found 'ten'"),
        ("\n \n", "the list is empty"),
        ("0\n", "says 0 pairs"),
    ],
)
def test_a_list_that_is_wrong_is_told_with_its_line(lfw: Path, text: str, message: str) -> None:
    (lfw / "own.txt").write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_lfw(lfw, "own.txt")


def test_a_list_that_is_not_there_is_told_with_the_way_out(lfw: Path) -> None:
    with pytest.raises(DatasetError, match="name one with --pairs"):
        read_lfw(lfw)
