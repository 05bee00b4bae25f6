"""The next batch is made while the last one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, cast

T = TypeVar("T")

_END: Final = object()


def computed_ahead(items: Iterator[T]) -> Iterator[T]:
    """The items in order, each computed in one background thread while the one before it is used.

    One item is waiting at most, so memory holds two. What computing an item raises is raised in its place. When the
    consumer stops early, the item under way is waited for: nobody touches its source any more afterwards.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = thread.submit(next, items, _END)
            yield cast("T", item)
