from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from f2p_datasets.errors import DatasetError
from f2p_datasets.verification import PhotoFiles, VerificationSet, open_verification_set
from f2p_datasets.verification.sets import in_folds


@pytest.fixture
def pairs(tmp_path: Path, photo_file: Callable[[Path, int], Path]) -> VerificationSet:
    files = PhotoFiles(tuple(photo_file(tmp_path / f"{level}.png", level) for level in range(4)))
    numbers = np.array([[0, 1], [2, 3], [0, 2]], np.int64)
    return VerificationSet(name="four", pictures=files, pairs=numbers, same=np.array([True, True, False]))


def test_the_fingerprint_changes_with_pictures_pairs_flags_and_framing(pairs: VerificationSet) -> None:
    changed = [
        dataclasses.replace(pairs, pairs=pairs.pairs[:, ::-1].copy()),
        dataclasses.replace(pairs, same=~pairs.same),
        dataclasses.replace(pairs, framing="crops"),
        dataclasses.replace(pairs, pictures=PhotoFiles(pairs.pictures.paths[::-1])),
    ]
    assert len({one.fingerprint for one in [pairs, *changed]}) == 5


def test_the_fingerprint_does_not_depend_on_where_the_set_lies(
    pairs: VerificationSet, tmp_path: Path, photo_file: Callable[[Path, int], Path]
) -> None:
    moved = PhotoFiles(tuple(photo_file(tmp_path / "moved" / f"{level}.png", level) for level in range(4)))
    assert dataclasses.replace(pairs, pictures=moved).fingerprint == pairs.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"same": np.array([True])}, "3 pairs, but 1 flags"),
        ({"pairs": np.array([[0, 1], [2, 4], [0, 2]])}, "names a picture that is not among the 4"),
        ({"pairs": np.zeros((0, 2), np.int64), "same": np.zeros(0, bool)}, "N at least 1"),
        ({"pairs": np.zeros((3, 3), np.int64)}, r"\(3, 3\)"),
    ],
)
def test_a_set_that_does_not_fit_together_is_refused(
    pairs: VerificationSet, change: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        dataclasses.replace(pairs, **change)


def test_a_smaller_set_for_trials_holds_pairs_from_everywhere(pairs: VerificationSet) -> None:
    head = pairs.head(2)
    levels = [int(head.pictures[index][0, 0, 0]) for index in range(len(head.pictures))]
    assert [[levels[index] for index in pair] for pair in head.pairs] == [[0, 1], [0, 2]]
    assert len(levels) == 3  # the picture that is in no pair any more is not read
    assert pairs.head(100).num_pairs == 3


def test_pairs_are_dealt_in_order_and_none_is_lost() -> None:
    same, different = [(i, i) for i in range(23)], [(i, 100) for i in range(17)]
    pairs, flags = in_folds(same, different)
    assert pairs[flags].tolist() == [list(pair) for pair in same]
    assert pairs[~flags].tolist() == [list(pair) for pair in different]


def test_what_is_no_set_is_told_with_the_formats(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file or folder"):
        open_verification_set(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"no verification set of a known kind; say which with --format lfw\|bin"):
        open_verification_set(tmp_path)
    with pytest.raises(DatasetError, match="format: 'agedb' is none of"):
        open_verification_set(tmp_path, "agedb")


def test_pairs_of_a_set_that_has_them_inside_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="leave --pairs out"):
        open_verification_set(tmp_path, "bin", "pairs.txt")
