"""One connected engine as an engine bridge: asks ahead, believes nothing, waits for nothing without a deadline."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
from engine_bridge.remote.connection import Connection
from engine_bridge.remote.fields import one_line
from engine_bridge.remote.flight import Asked, Departures, Flight
from engine_bridge.remote.messages import (
    MAX_ID,
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
from engine_bridge.remote.protocol import UnknownMessageError
from engine_bridge.remote.timings import Timings
from engine_bridge.remote.verification import verify_reply
from engine_bridge.scene import STUDIO, Scene, engine_scene
from engine_bridge.schema import ParameterSchema


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

        A request unanswered after ``deadline_s`` (default: the silence allowed to the engine for every request that
        may be out) is too late.

        Raises EngineTimeoutError, EngineLostError or FrameRejectedError, and the connection is closed then;
        RequestRefusedError when the engine refused requests, InputError for a request that does not fit the engine:
        what else is out is dropped then, and the engine can be used again.
        """
        if deadline_s is None:
            deadline_s = self.capabilities.silence_s * (self.capabilities.max_in_flight + 1)
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
        patience_s = self.capabilities.silence_s
        while True:
            self._send_orders(departures, deadline_s)
            if not self._flight and departures.head is None:
                return
            due_s = self._flight.oldest_since + deadline_s - time.monotonic() if self._flight else patience_s
            started = time.monotonic()
            message = self._receive(min(patience_s, due_s))
            # Only waiting counts as silence: a caller may take its time between two frames.
            patience_s -= time.monotonic() - started
            if isinstance(message, FrameReply | ErrorReply):
                patience_s = self.capabilities.silence_s
            yield from self._take(message)

    def _send_orders(self, departures: Departures, deadline_s: float) -> None:
        while asked := self._flight.load(departures):
            try:
                order = self._order(asked, deadline_s)
            except InputError:
                self._flight.cancel(asked)
                raise
            self._connection.send(order)

    def _order(self, asked: Sequence[Asked], deadline_s: float) -> RenderOrder:
        request = asked[0].request
        schema = self.describe(request.character)
        scenes = [self._scene(one.request) for one in asked]
        return RenderOrder(
            character=request.character,
            fingerprint=self._welcome.fingerprints[request.character],
            resolution=self._check_resolution(request.resolution),
            encoding=self._encoding,
            stamp=self.capabilities.stamp,
            deadline_ms=min(int(deadline_s * 1000), MAX_ID),
            ids=tuple(one.wire_id for one in asked),
            scenes=tuple(scenes) if any(scenes) else (),
            vectors=np.stack([schema.check_vector(one.request.vector) for one in asked]),
        )

    def _check_resolution(self, resolution: int) -> int:
        low, high = self.capabilities.minimum_px, self.capabilities.maximum_px
        if not low <= resolution <= high:
            raise InputError(f"resolution: {self.name} draws {low} to {high} pixels, {resolution} were asked for")
        return resolution

    def _scene(self, request: RenderRequest) -> Mapping[str, Any]:
        """The fields on the wire. What the engine does not honour is refused, never ignored in silence."""
        beyond = sorted(name for name in _changed_fields(request.scene) if name not in self.scene_fields)
        if beyond:
            raise InputError(f"scene: {self.name} does not honour {', '.join(beyond)}; leave them at their defaults")
        return engine_scene(request.scene)

    def _receive(self, timeout_s: float) -> Message | None:
        """The next message, None for one of a type from the future."""
        try:
            return self._connection.receive(timeout_s)
        except UnknownMessageError:
            return None
        except ProtocolError as error:
            raise FrameRejectedError(f"engine {self.instance}: {error}") from error
        except EngineTimeoutError as error:
            raise EngineTimeoutError(
                f"engine {self.instance}: {len(self._flight)} requests are out and nothing came for too long"
            ) from error
        except EngineLostError as error:
            raise EngineLostError(f"engine {self.instance}: {error}") from error

    def _take(self, message: Message | None) -> Iterator[TimedFrame]:
        match message:
            case FrameReply():
                yield from self._take_frame(message)
            case ErrorReply():
                self._take_error(message)
            case Pong(memory_bytes=int(memory_bytes)):
                self.last_memory_bytes = memory_bytes
            case Goodbye(reason=reason):
                raise EngineLostError(f"engine {self.instance}: it said goodbye: {reason}")

    def _take_frame(self, reply: FrameReply) -> Iterator[TimedFrame]:
        if reply.frame <= self._last_frame:
            raise FrameRejectedError(f"engine {self.instance}: frame {reply.frame} came after {self._last_frame}")
        self._last_frame = reply.frame
        asked = self._flight.land(reply.id)
        if asked is None:
            return
        schema = self._schemas[asked.request.character]
        frame = verify_reply(reply, asked.request, schema, self.capabilities, self._encoding)
        timings_ms = {**reply.timings_ms, "round_trip": (time.monotonic() - asked.since) * 1e3}
        self.frame_timings.add(timings_ms)
        yield TimedFrame(frame=frame, request=asked.request, position=asked.position, timings_ms=timings_ms)

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
        with contextlib.suppress(EngineTimeoutError):
            while True:
                for _ in self._take(self._receive(0.0)):
                    pass
        if self._connection.silent_s > self.capabilities.silence_s + 2 * self._welcome.ping_s:
            raise EngineTimeoutError(f"engine {self.instance}: no answer to pings for too long")

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


def _changed_fields(scene: Scene) -> set[str]:
    """Names of the fields that are not the studio's."""
    return {name for name, value in vars(scene).items() if value != getattr(STUDIO, name)}
