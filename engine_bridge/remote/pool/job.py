"""One call of ``render``: which requests wait, which are out, which are proven. A frame is accepted exactly once."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from engine_bridge.errors import EngineError
from engine_bridge.frames import Frame, RenderRequest


class Job:
    """Requests of one character and one size, shared by the threads of a pool. Any thread may use it.

    A request is named by its position. It waits, then it is out with one engine, then it is proven. An engine that
    fails gives back what it did not prove; only the request it failed at is blamed, ``attempts`` times at most.
    """

    def __init__(self, requests: Sequence[RenderRequest], attempts: int) -> None:
        self._requests = [replace(request, request_id=index) for index, request in enumerate(requests)]
        self._attempts = attempts
        self._waiting = deque(range(len(requests)))
        self._failures: Counter[int] = Counter()
        self._frames: dict[int, Frame] = {}
        self._error: Exception | None = None
        self._changed = threading.Condition()

    @property
    def character(self) -> str:
        return self._requests[0].character

    @property
    def resolution(self) -> int:
        return self._requests[0].resolution

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done for it."""
        return self._error is not None or len(self._frames) == len(self._requests)

    @property
    def num_waiting(self) -> int:
        return 0 if self.is_over else len(self._waiting)

    def take(self) -> RenderRequest | None:
        """The next request, whose id is its position; None when none waits now."""
        with self._changed:
            if self.is_over or not self._waiting:
                return None
            return self._requests[self._waiting.popleft()]

    def request(self, position: int) -> RenderRequest:
        return self._requests[position]

    def prove(self, frames: Mapping[int, Frame]) -> int:
        """Accept frames by position; how many of them were new. A second one for a position is ignored."""
        with self._changed:
            fresh = {position: frame for position, frame in frames.items() if position not in self._frames}
            self._frames |= fresh
            self._changed.notify_all()
        return len(fresh)

    def give_back(self, positions: Collection[int]) -> None:
        """Have these rendered again, before all others; those that are proven already are not."""
        with self._changed:
            lost = [position for position in sorted(positions) if position not in self._frames]
            self._waiting.extendleft(reversed(lost))
            self._changed.notify_all()

    def blame(self, positions: Collection[int], reason: EngineError) -> None:
        """An engine failed at these requests; the job fails with the reason when it was one time too many."""
        with self._changed:
            self._failures.update(positions)
            worst = max((self._failures[position] for position in positions), default=0)
        if worst >= self._attempts:
            self.fail(reason)

    def fail(self, error: Exception) -> None:
        """End it; the first error counts."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Whether it was over within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.is_over, timeout_s)

    def result(self) -> list[Frame]:
        """The frames by position. Raises the error that ended the job."""
        if self._error is not None:
            raise self._error
        return [self._frames[position] for position in range(len(self._requests))]
