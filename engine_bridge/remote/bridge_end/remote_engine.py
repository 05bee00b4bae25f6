"""One connected engine as an engine bridge: asks ahead, believes nothing, waits for nothing without a deadline."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine_bridge.errors import (
    EngineError,
    EngineLostError,
    EngineTimeoutError,
    FrameRejectedError,
    InputError,
    ProtocolError,
    RequestRefusedError,
    UnknownCharacterError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.bridge_end.flight import Asked, Departures, Flight
from engine_bridge.remote.bridge_end.timings import Timings
from engine_bridge.remote.bridge_end.verification import verify_reply
from engine_bridge.remote.wire.connection import IDLE_QUEUE, Connection
from engine_bridge.remote.wire.fields import one_line
from engine_bridge.remote.wire.messages import (
    Capabilities,
    ErrorReply,
    FrameReply,
    Goodbye,
    Hello,
    Message,
    Ping,
    Pong,
    RenderOrder,
    Welcome,
)
from engine_bridge.remote.wire.orders import write_order
from engine_bridge.remote.wire.protocol import UnknownMessageError
from engine_bridge.schema import ParameterSchema

_MOST_PONGS: Final = 16
_MOST_HEARD_AT_ONCE: Final = 256


@dataclass(frozen=True, kw_only=True)
class TimedFrame:
    """A frame, the request it answers, and where the time went (milliseconds; ``round_trip`` includes waiting)."""

    frame: Frame
    request: RenderRequest
    position: int
    timings_ms: Mapping[str, float]


class RemoteEngine:
    """An engine that dialled in. One thread at a time renders with it.

    The connection is kept alive in the background until :meth:`close`, or until the engine is lost or caught at an
    untruth; then ``alive`` is False and every further call raises EngineLostError.
    """

    def __init__(self, connection: Connection, hello: Hello, welcome: Welcome) -> None:
        self._connection, self._hello, self._welcome = connection, hello, welcome
        self._schemas = {schema.character: schema for schema in hello.schemas}
        self._encoding = hello.capabilities.encodings[0]
        self._flight = Flight(hello.capabilities)
        self._last_frame = -1
        self._ping_ids = itertools.count(1)
        self._turn = threading.Lock()
        self._ending = threading.Lock()
        self._ended = threading.Event()
        self._closed = threading.Event()  # ended, and the engine was told
        self._end = "it was closed"
        self.last_memory_bytes: int | None = None
        self.frame_timings = Timings()
        threading.Thread(target=self._stay_in_touch, name=f"engine {hello.instance}", daemon=True).start()

    @property
    def name(self) -> str:
        return self._hello.engine

    @property
    def build(self) -> str:
        return self._hello.build

    @property
    def instance(self) -> str:
        return self._hello.instance

    @property
    def schemas(self) -> Mapping[str, ParameterSchema]:
        """By character type, as the engine told them."""
        return self._schemas

    @property
    def capabilities(self) -> Capabilities:
        return self._hello.capabilities

    @property
    def scene_fields(self) -> frozenset[str]:
        return self._hello.capabilities.scene

    @property
    def alive(self) -> bool:
        """Whether the session still stands, as far as is known."""
        return not self._ended.is_set()

    def describe(self, character: str) -> ParameterSchema:
        """The engine's schema of a character type. Raises UnknownCharacterError."""
        if character not in self._schemas:
            known = ", ".join(sorted(self._schemas))
            raise UnknownCharacterError(f"character: {self.name} has no {character!r}; it has {known}")
        return self._schemas[character]

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """Frames in the order of the requests. Raises as :meth:`stream` does."""
        answers = sorted(self.stream(requests), key=lambda answer: answer.position)
        return [answer.frame for answer in answers]

    def stream(self, requests: Iterable[RenderRequest], *, deadline_s: float | None = None) -> Iterator[TimedFrame]:
        """Verified frames as they arrive, in any order, while the engine is kept busy with the next requests.

        An engine that answers nothing for ``deadline_s`` (default: the silence it announced) while something is out is
        taken for hung. A caller may take its time between two frames and between two requests.

        Raises EngineTimeoutError, EngineLostError or FrameRejectedError, and the connection is closed then;
        RequestRefusedError when the engine refused requests, InputError for a request that does not fit the engine:
        what else is out is dropped then, and the engine can be used again.
        """
        deadline_s = self.capabilities.silence_s if deadline_s is None else deadline_s
        self._begin()
        try:
            yield from self._answers(Departures(iter(requests)), deadline_s)
        except RequestRefusedError:
            raise
        except EngineError as error:
            self._finish(str(error), again=True)
            raise
        finally:
            self._flight.abandon()
            self._turn.release()

    def wait_closed(self) -> None:
        """Return once the session is over."""
        self._closed.wait()

    def close(self, *, reason: str = "done", again: bool = False) -> None:
        """Say goodbye; ``again`` asks the engine to dial in again. Idempotent."""
        self._finish(reason, again=again)

    def _begin(self) -> None:
        if not self._turn.acquire(timeout=1.0):
            raise RuntimeError(f"engine {self.instance}: it is rendering already; finish or close that stream first")
        if not self.alive:
            self._turn.release()
            raise EngineLostError(f"engine {self.instance}: {self._end}")

    def _answers(self, departures: Departures, deadline_s: float) -> Iterator[TimedFrame]:
        silent_s = 0.0
        while True:
            self._send_orders(departures, deadline_s)
            if not self._flight and departures.head is None:
                return
            if silent_s >= deadline_s:
                raise EngineTimeoutError(
                    f"engine {self.instance}: {len(self._flight)} requests are out, and no answer for {silent_s:.1f} s"
                )
            message, started = None, time.monotonic()
            with contextlib.suppress(EngineTimeoutError):
                message = self._receive(deadline_s - silent_s)
            answer = self._take(message)
            answered = isinstance(message, FrameReply | ErrorReply)
            silent_s = 0.0 if answered else silent_s + time.monotonic() - started
            if answer is not None:
                yield answer

    def _send_orders(self, departures: Departures, deadline_s: float) -> None:
        while asked := self._flight.load(departures):
            try:
                order = self._order(asked, deadline_s * self._flight.num_out)  # those ahead are drawn first
            except InputError:
                self._flight.cancel(asked)
                raise
            self._allow_queue()
            self._connection.send(order)

    def _order(self, asked: Sequence[Asked], deadline_s: float) -> RenderOrder:
        requests = [one.request for one in asked]
        schema = self.describe(requests[0].character)
        return write_order([one.wire_id for one in asked], requests, schema, self.capabilities, deadline_s)

    def _receive(self, timeout_s: float) -> Message | None:
        """The next message, None for one of a type from the future."""
        try:
            return self._connection.receive(timeout_s)
        except UnknownMessageError:
            return None
        except ProtocolError as error:
            raise FrameRejectedError(f"engine {self.instance}: {error}") from error
        except EngineLostError as error:
            raise EngineLostError(f"engine {self.instance}: {error}") from error

    def _take(self, message: Message | None) -> TimedFrame | None:
        match message:
            case FrameReply():
                return self._take_frame(message)
            case ErrorReply():
                self._take_error(message)
            case Pong(memory_bytes=int(memory_bytes)):
                self.last_memory_bytes = memory_bytes
            case Goodbye(reason=reason):
                raise EngineLostError(f"engine {self.instance}: it said goodbye: {reason}")
        return None

    def _take_frame(self, reply: FrameReply) -> TimedFrame | None:
        """The frame, None when nobody waits for it any more."""
        if reply.frame <= self._last_frame:
            raise FrameRejectedError(f"engine {self.instance}: frame {reply.frame} came after {self._last_frame}")
        self._last_frame = reply.frame
        asked = self._flight.land(reply.id)
        if asked is None:
            return None
        schema = self._schemas[asked.request.character]
        frame = verify_reply(reply, asked.request, schema, self.capabilities, self._encoding)
        timings_ms = {**reply.timings_ms, "round_trip": (time.monotonic() - asked.since) * 1e3}
        self.frame_timings.add(timings_ms)
        return TimedFrame(frame=frame, request=asked.request, position=asked.position, timings_ms=timings_ms)

    def _take_error(self, reply: ErrorReply) -> None:
        landed = [self._flight.land(wire_id) for wire_id in reply.ids]
        words = f"engine {self.instance}: {reply.code}: {reply.message}"
        if reply.code == "deadline":
            raise EngineTimeoutError(words)
        if not landed:
            raise ProtocolError(f"{words} (about no request in particular)")
        waited_for = tuple(asked.request.request_id for asked in landed if asked is not None)
        if waited_for:
            raise RequestRefusedError(words, code=reply.code, request_ids=waited_for)

    def _stay_in_touch(self) -> None:
        """Ping, and listen while nobody renders; an engine drops a bridge that it does not hear."""
        while not self._ended.wait(self._welcome.ping_s):
            try:
                self._connection.send(Ping(id=next(self._ping_ids)))
                if self._turn.acquire(blocking=False):
                    try:
                        self._listen_idly()
                    finally:
                        self._turn.release()
            except EngineError as error:
                self._finish(str(error), again=True)

    def _listen_idly(self) -> None:
        self._allow_queue()
        with contextlib.suppress(EngineTimeoutError):
            for _ in range(_MOST_HEARD_AT_ONCE):
                self._take(self._receive(0.0))
        if self._connection.silent_s > self.capabilities.silence_s + 2 * self._welcome.ping_s:
            raise EngineTimeoutError(f"engine {self.instance}: no answer to pings for too long")

    def _allow_queue(self) -> None:
        """Room for everything asked for beside some pongs, so that the bridge always reads; idle, for little more."""
        num_out = self._flight.num_out
        self._connection.allow_queue(num_out + _MOST_PONGS if num_out else IDLE_QUEUE)

    def _finish(self, reason: str, *, again: bool) -> None:
        with self._ending:
            if self._ended.is_set():
                return
            self._end = reason
            self._ended.set()
        with contextlib.suppress(EngineError):
            self._connection.send(Goodbye(reason=one_line(reason, 500), again=again))
        self._connection.close()
        self._closed.set()
