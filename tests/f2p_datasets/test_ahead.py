from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from engine_bridge.errors import EngineError
from f2p_datasets.ahead import computed_ahead


def threads_ahead() -> int:
    return sum(thread.name.startswith("ahead") for thread in threading.enumerate())


def test_the_items_come_in_order() -> None:
    assert list(computed_ahead(iter(range(100)))) == list(range(100))
    assert list(computed_ahead(iter([]))) == []


def test_the_next_item_is_computed_while_the_last_one_is_used() -> None:
    second_begun = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second_begun.set()
        yield 2

    ahead = computed_ahead(items())
    assert next(ahead) == 1
    assert second_begun.wait(10.0)
    ahead.close()  # type: ignore[attr-defined]


def test_no_more_than_one_item_is_computed_ahead() -> None:
    computed = []

    def items() -> Iterator[int]:
        for number in range(10):
            computed.append(number)
            yield number

    ahead = computed_ahead(items())
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]
    assert computed == [0, 1]


def test_what_computing_raises_comes_in_the_items_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise EngineError("the engine died")

    ahead = computed_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(EngineError, match="the engine died"):
        next(ahead)


def test_a_consumer_that_stops_early_leaves_no_thread_behind() -> None:
    ahead = computed_ahead(iter(range(10)))
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]
    assert threads_ahead() == 0
