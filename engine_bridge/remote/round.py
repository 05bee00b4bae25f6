"""What one engine does for one call: requests go out, frames come back, and a canary after them proves them."""

from __future__ import annotations

from collections.abc import Iterator

from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.call import Call
from engine_bridge.remote.record import Ledger
from engine_bridge.remote.truth import Truth


class Round:
    """Frames are held until a canary that was asked for after them came back right; only then the call gets them."""

    def __init__(self, call: Call, truth: Truth, ledger: Ledger, canary_every: int) -> None:
        self._call, self._truth, self._ledger, self._canary_every = call, truth, ledger, canary_every
        self._turns: dict[int, int] = {}  # position -> when it was asked for, of what is not proven yet
        self._num_asked = self._proven_until = 0
        self._canaries: dict[int, tuple[RenderRequest, int]] = {}
        self._held: dict[int, Frame] = {}

    @property
    def unproven(self) -> list[int]:
        """Positions that are out or held: what another engine has to render should this one fail."""
        return list(self._turns)

    @property
    def num_held(self) -> int:
        return len(self._held)

    def requests(self, most: int) -> Iterator[RenderRequest]:
        """So many of the call's waiting requests, canaries between them, and one after the last."""
        for _ in range(most):
            request = self._call.take()
            if request is None:
                break
            self._turns[request.request_id] = self._num_asked
            self._num_asked += 1
            yield request
            if self._num_asked - self._proven_until >= self._canary_every:
                yield self.canary()
        if self._num_asked > self._proven_until and not self._call.num_waiting:
            yield self.canary()

    def canary(self) -> RenderRequest:
        """It will prove everything that was asked for before it."""
        canary = self._truth.next_canary()
        self._canaries[canary.request_id] = canary, self._num_asked
        self._proven_until = self._num_asked
        return canary

    def take(self, frame: Frame) -> None:
        """A frame came. Raises FrameRejectedError."""
        if frame.request_id in self._canaries:
            self._take_canary(frame, *self._canaries.pop(frame.request_id))
        else:
            self._truth.check(frame, self._call.request(frame.request_id))
            self._held[frame.request_id] = frame

    def _take_canary(self, frame: Frame, canary: RenderRequest, turn: int) -> None:
        self._ledger.count("canaries")
        try:
            self._truth.check_canary(frame, canary)
        except FrameRejectedError:
            self._ledger.count("canary_failures")
            raise
        proven = {position: held for position, held in self._held.items() if self._turns[position] < turn}
        for position in proven:
            del self._turns[position], self._held[position]
        self._ledger.count("frames", self._call.prove(proven))
