from __future__ import annotations

from f2p_datasets.pairs import key_of, split_of


def test_every_fifth_pair_is_held_out_whatever_the_dataset() -> None:
    assert [index for index in range(12) if split_of(index) == "heldout"] == [4, 9]


def test_keys_sort_like_indices_and_hold_no_dot() -> None:
    assert key_of(7) == "00000007"
    assert key_of(12) > key_of(7)
