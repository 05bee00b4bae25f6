"""What one engine does for one job: requests go out, frames come back, and checks asked for after them prove them.

The check is a canary. Of an engine that does not stamp its frames some are also drawn a second time, in another order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.pool.job import Job
from engine_bridge.remote.pool.record import Ledger
from engine_bridge.remote.pool.truth import FIRST_REPEAT_ID, Truth


class Proving:
    """Frames are held until a canary that was asked for after them came back right; only then the job gets them."""

    def __init__(self, job: Job, truth: Truth, ledger: Ledger, *, canary_every: int, stamped: bool = True) -> None:
        self._job, self._truth, self._ledger = job, truth, ledger
        self._canary_every, self._stamped = canary_every, stamped
        self._turns: dict[int, int] = {}  # position -> when it was asked for, of what is not proven yet
        self._num_asked = self._checked_until = 0
        self._right_until = 0  # what was asked for before this turn is proven, once no repeat is out any more
        self._canaries: dict[int, tuple[RenderRequest, int]] = {}
        self._repeats: dict[int, int] = {}  # id of the second request -> position of the first
        self._num_repeats = 0
        self._held: dict[int, Frame] = {}

    @property
    def unproven(self) -> list[int]:
        """Positions that are out or held: what another engine has to render should this one fail."""
        return list(self._turns)

    @property
    def num_held(self) -> int:
        return len(self._held)

    @property
    def suspects(self) -> list[int]:
        """The request that the engine was at if it failed now: the oldest that is out, else the oldest held."""
        out = [position for position in self._turns if position not in self._held]
        return (out or self.unproven)[:1]

    def requests(self, most: int) -> Iterator[RenderRequest]:
        """So many of the job's waiting requests; canaries between them and after the last, if frames are stamped.

        Without stamps :meth:`checks` proves them, once all have come.
        """
        for _ in range(most):
            request = self._job.take()
            if request is None:
                break
            self._turns[request.request_id] = self._num_asked
            self._num_asked += 1
            yield request
            if self._stamped and self._num_asked - self._checked_until >= self._canary_every:
                yield self._canary()
        if self._stamped and self._num_asked > self._checked_until and not self._job.num_waiting:
            yield self._canary()

    def checks(self) -> Iterator[RenderRequest]:
        """What proves all that is held. Ask for it while nothing else is out."""
        if not self._stamped:
            yield from [self._repeat(position) for position in self._truth.sample(sorted(self._held))]
        yield self._canary()

    def take(self, frame: Frame) -> None:
        """A frame came. Raises FrameRejectedError."""
        if frame.request_id in self._canaries:
            self._take_canary(frame, *self._canaries.pop(frame.request_id))
        elif frame.request_id in self._repeats:
            self._take_repeat(frame, self._repeats.pop(frame.request_id))
        else:
            self._truth.check(frame, self._job.request(frame.request_id))
            self._held[frame.request_id] = frame

    def recall(self, refused: Collection[int]) -> tuple[list[int], list[int]]:
        """The engine refused requests, so all that is out is void; what is held stays.

        Returns the positions that were out, and those to blame: the refused ones, for a check the oldest held one.
        """
        to_blame = [request_id for request_id in refused if request_id in self._turns] or self.unproven[:1]
        out = [position for position in self._turns if position not in self._held]
        for position in out:
            del self._turns[position]
        self._canaries.clear()
        self._repeats.clear()
        self._checked_until = min([self._checked_until, *self._turns.values()])
        return out, to_blame

    def _canary(self) -> RenderRequest:
        """It will prove everything that was asked for before it."""
        canary = self._truth.next_canary()
        self._canaries[canary.request_id] = canary, self._num_asked
        self._checked_until = self._num_asked
        return canary

    def _repeat(self, position: int) -> RenderRequest:
        repeat = replace(self._job.request(position), request_id=FIRST_REPEAT_ID + self._num_repeats)
        self._repeats[repeat.request_id] = position
        self._num_repeats += 1
        return repeat

    def _take_canary(self, frame: Frame, canary: RenderRequest, turn: int) -> None:
        self._ledger.count("canaries")
        try:
            self._truth.check_canary(frame, canary)
        except FrameRejectedError:
            self._ledger.count("canary_failures")
            raise
        if not self._truth.is_in_doubt:
            self._right_until = max(turn, self._right_until)
            self._prove()

    def _take_repeat(self, frame: Frame, position: int) -> None:
        self._ledger.count("repeats")
        self._truth.check(frame, self._job.request(position))
        self._truth.check_repeat(frame, self._held[position])
        self._prove()

    def _prove(self) -> None:
        if self._repeats:
            return
        proven = {position: held for position, held in self._held.items() if self._turns[position] < self._right_until}
        for position in proven:
            del self._turns[position], self._held[position]
        self._ledger.count("frames", self._job.prove(proven))
