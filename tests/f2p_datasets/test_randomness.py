from __future__ import annotations

import pytest

from engine_bridge.errors import InputError
from f2p_datasets.randomness import generator


def test_the_same_seed_index_and_stream_draw_the_same() -> None:
    assert generator(3, 7, "a").random(4).tolist() == generator(3, 7, "a").random(4).tolist()


@pytest.mark.parametrize("other", [(4, 7, "a"), (3, 8, "a"), (3, 7, "b")])
def test_another_seed_index_or_stream_draws_otherwise(other: tuple[int, int, str]) -> None:
    assert generator(*other).random() != generator(3, 7, "a").random()


def test_seed_zero_is_a_seed() -> None:
    assert generator(0, 0, "a").random() == generator(0, 0, "a").random()
    assert generator(0, 0, "a").random() != generator(1, 0, "a").random()


def test_draws_never_change_between_versions() -> None:
    assert generator(0, 5, "sampler.uniform").integers(0, 1000, 4).tolist() == [432, 974, 263, 65]


def test_a_negative_seed_is_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match="seed: -1 is negative; give 0 or more"):
        generator(-1, 0, "a")
