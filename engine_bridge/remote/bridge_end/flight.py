"""Requests on their way: how many may be out, in which batches they leave, and which of them a reply belongs to."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.wire.messages import MAX_ORDER_BYTES, Capabilities

MAX_OUT: Final = 48
MAX_OUT_BYTES: Final = 128 << 20
LARGEST_BATCH: Final = 64  # with every scene field set, 64 requests still fit a header of 64 KiB


@dataclass(frozen=True)
class Asked:
    """A request that is out: its id on the wire, its place in the caller's sequence, and since when."""

    wire_id: int
    position: int
    request: RenderRequest
    since: float


class Departures:
    """The caller's requests, numbered. They are pulled one ahead of what leaves, and no further."""

    def __init__(self, requests: Iterator[RenderRequest]) -> None:
        self._numbered = enumerate(requests)
        self._head = next(self._numbered, None)

    @property
    def head(self) -> RenderRequest | None:
        """The next one, None at the end."""
        return None if self._head is None else self._head[1]

    def take_alike(self, most: int) -> Iterator[tuple[int, RenderRequest]]:
        """The next ``most`` that share character and size: what one order can hold."""
        first = self.head
        while first and self._head and most and _are_alike(first, self._head[1]):
            yield self._head
            self._head = next(self._numbered, None)
            most -= 1


class Flight:
    """The requests out in one session. Their wire ids are never repeated within it."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._wire_ids = itertools.count(1)
        self._asked: dict[int, Asked] = {}
        self._abandoned: set[int] = set()

    def __len__(self) -> int:
        """Requests that somebody waits for."""
        return len(self._asked)

    @property
    def num_out(self) -> int:
        """Requests that the engine still has to answer, also those that nobody waits for any more."""
        return len(self._asked) + len(self._abandoned)

    def load(self, departures: Departures) -> list[Asked]:
        """The batch that leaves now; empty when there is nothing to ask or no room for a whole batch."""
        head = departures.head
        if head is None:
            return []
        window = self._window(head.resolution)
        batch = self._batch(window, len(head.vector))
        if window - self.num_out < batch:
            return []
        return [self._ask(position, request) for position, request in departures.take_alike(batch)]

    def cancel(self, asked: Iterable[Asked]) -> None:
        """These did not leave after all."""
        for one in asked:
            del self._asked[one.wire_id]

    def land(self, wire_id: int) -> Asked | None:
        """The request that a reply belongs to, None for one that nobody waits for any more.

        Raises FrameRejectedError for an id that is not out: unknown, or answered before.
        """
        if wire_id in self._abandoned:
            self._abandoned.remove(wire_id)
            return None
        if wire_id not in self._asked:
            raise FrameRejectedError(
                f"an answer to request {wire_id} of this session, which is not out: late or double"
            )
        return self._asked.pop(wire_id)

    def abandon(self) -> None:
        """Nobody waits for what is out; its replies will be dropped."""
        self._abandoned |= self._asked.keys()
        self._asked.clear()

    def _window(self, resolution: int) -> int:
        fit = MAX_OUT_BYTES // (4 * resolution**2)
        return max(1, min(self._capabilities.max_in_flight, MAX_OUT, fit))

    def _batch(self, window: int, vector_size: int) -> int:
        """At most half a window, so that the engine has work while the next batch is on its way."""
        fit = MAX_ORDER_BYTES // 2 // (4 * vector_size)
        return max(1, min(self._capabilities.max_batch, (window + 1) // 2, LARGEST_BATCH, fit))

    def _ask(self, position: int, request: RenderRequest) -> Asked:
        asked = Asked(next(self._wire_ids), position, request, time.monotonic())
        self._asked[asked.wire_id] = asked
        return asked


def _are_alike(one: RenderRequest, other: RenderRequest) -> bool:
    return (one.character, one.resolution) == (other.character, other.resolution)
