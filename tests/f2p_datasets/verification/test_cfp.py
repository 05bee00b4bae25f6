from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification.cfp import read_cfp


@pytest.fixture
def cfp(tmp_path: Path, photo_file: Callable[[Path, int], Path]) -> Path:
    """Two people with two frontal photos and one in profile; every fold has one same and one different pair."""
    root = tmp_path / "cfp"
    lists: dict[str, list[str]] = {"F": [], "P": []}
    for person in (1, 2):
        for kind, folder, photos in (("F", "frontal", (1, 2)), ("P", "profile", (1,))):
            for photo in photos:
                inner = f"{person:03d}/{folder}/{photo:02d}.jpg"
                photo_file(root / "Data" / "Images" / inner, 100 * (kind == "P") + 10 * person + photo)
                lists[kind].append(f"{len(lists[kind]) + 1} ../Data/Images/{inner}")
    (root / "Protocol").mkdir()
    for kind, lines in lists.items():
        (root / "Protocol" / f"Pair_list_{kind}.txt").write_text("\r\n".join(lines) + "\r\n")
    for protocol, pairs in (("FF", ("1,2", "1,3")), ("FP", ("1,1", "3,1"))):
        for fold in range(1, 11):
            folder = root / "Protocol" / "Split" / protocol / f"{fold:02d}"
            folder.mkdir(parents=True)
            for name, pair in zip(("same.txt", "diff.txt"), pairs, strict=True):
                (folder / name).write_text(pair + "\n")
    return root


def first_pairs(root: Path, protocol: str | None) -> list[tuple[int, int, bool]]:
    found = read_cfp(root, protocol)
    shown = [int(found.pictures[index][0, 0, 0]) for index in range(len(found.pictures))]
    rows = zip(found.pairs[:2], found.same[:2], strict=True)
    return [(shown[a], shown[b], bool(same)) for (a, b), same in rows]


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("FF", [(11, 12, True), (11, 21, False)]),
        ("FP", [(11, 111, True), (21, 111, False)]),
        ("fp", [(11, 111, True), (21, 111, False)]),
        (None, [(11, 111, True), (21, 111, False)]),
    ],
)
def test_second_photos_are_frontal_or_in_profile_by_protocol(
    cfp: Path, protocol: str | None, expected: list[tuple[int, int, bool]]
) -> None:
    assert first_pairs(cfp, protocol) == expected


def test_folds_follow_each_other(cfp: Path) -> None:
    assert read_cfp(cfp).same.tolist() == [True, False] * 10


def test_people_that_a_copy_sorted_into_train_and_test_are_found(cfp: Path) -> None:
    images = cfp / "Data" / "Images"
    for person, moved in (("001", "train"), ("002", "test")):
        (images / moved).mkdir()
        (images / person).rename(images / moved / person)
    assert first_pairs(cfp, "FF") == [(11, 12, True), (11, 21, False)]


def test_an_unknown_protocol_is_refused(cfp: Path) -> None:
    with pytest.raises(DatasetError, match="'PP' is no protocol of CFP; give FF or FP"):
        read_cfp(cfp, "PP")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("Split/FP/03/same.txt", "1,9\n", "same.txt:1: 9 is not in the list"),
        ("Split/FP/03/same.txt", "1;1\n", "expected two numbers with a comma"),
        ("Split/FP/03/same.txt", "", "the list is empty"),
        ("Pair_list_F.txt", "1 ../../etc/passwd\n", "Pair_list_F.txt:1: expected ../Data/Images"),
        ("Pair_list_F.txt", "1 Images/../../../secret.jpg\n", "Pair_list_F.txt:1: expected ../Data/Images"),
        ("Pair_list_F.txt", "1\n", "expected a number and a path, found 1"),
    ],
)
def test_a_damaged_protocol_is_told_with_file_and_line(cfp: Path, file: str, text: str, message: str) -> None:
    (cfp / "Protocol" / file).write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_cfp(cfp)


def test_a_missing_fold_is_told(cfp: Path) -> None:
    (cfp / "Protocol" / "Split" / "FP" / "10" / "diff.txt").unlink()
    with pytest.raises(DatasetError, match=r"10/diff.txt: cannot be read"):
        read_cfp(cfp)
