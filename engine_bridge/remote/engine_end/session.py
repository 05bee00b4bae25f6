"""The engine's end of one session: orders in, frames out, between frames an ear for everything else."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import (
    EngineError,
    EngineLostError,
    EngineTimeoutError,
    InputError,
    ProtocolError,
    RequestRefusedError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.wire.connection import Connection
from engine_bridge.remote.wire.fields import one_line
from engine_bridge.remote.wire.messages import (
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
from engine_bridge.remote.wire.orders import check_order, read_requests
from engine_bridge.remote.wire.pictures import encode_pictures
from engine_bridge.remote.wire.stamps import DrawsStamps, Stamp, paint_stamp


class Wire(Protocol):
    """What becomes of messages on their way out. Tests put faults here."""

    def outgoing(self, message: Message) -> Iterable[Message | str | bytes]:
        """What is sent instead of the message."""


class FaithfulWire:
    """Sends what it is given."""

    def outgoing(self, message: Message) -> Iterable[Message | str | bytes]:
        """The message itself."""
        return (message,)


@dataclass(frozen=True)
class Job:
    """One request of an order, to be drawn before ``due`` (seconds of the monotonic clock)."""

    order: RenderOrder
    request: RenderRequest
    due: float


class Session:
    """Serves one bridge over one connection, in one thread."""

    def __init__(
        self, connection: Connection, bridge: EngineBridge, hello: Hello, welcome: Welcome, wire: Wire
    ) -> None:
        self._connection, self._bridge, self._hello, self._welcome = connection, bridge, hello, welcome
        self._wire = wire
        self._schemas = {schema.character: schema for schema in hello.schemas}
        self._jobs: deque[Job] = deque()
        self._last_frame: int | None = None

    def run(self) -> bool:
        """Serve until the bridge says goodbye; whether it wants this engine again. Raises EngineLostError."""
        try:
            while True:
                message = self._hear()
                if isinstance(message, Goodbye):
                    return message.again
                if message is not None:
                    self._take(message)
                elif self._jobs:
                    self._draw(self._jobs.popleft())
        except EngineLostError:
            goodbye = self._find_goodbye()
            if goodbye is None:
                raise
            return goodbye.again
        except KeyboardInterrupt:
            with contextlib.suppress(EngineError):
                self._send(Goodbye(reason="the engine was stopped", again=False))
            raise

    def _hear(self) -> Message | None:
        """The next message; None when there is none and something to draw."""
        try:
            return self._connection.receive(0.0 if self._jobs else 4 * self._welcome.ping_s)
        except EngineTimeoutError as error:
            if self._jobs:
                return None
            raise EngineLostError("the bridge has not been heard for too long") from error
        except ProtocolError as error:
            self._refuse((), "bad_message", str(error))
            return None

    def _find_goodbye(self) -> Goodbye | None:
        """The bridge's goodbye among what arrived before the connection closed: it may come while a frame is drawn."""
        with contextlib.suppress(EngineLostError, EngineTimeoutError):
            while True:
                with contextlib.suppress(ProtocolError):
                    message = self._connection.receive(0.0)
                    if isinstance(message, Goodbye):
                        return message
        return None

    def _take(self, message: Message) -> None:
        match message:
            case Ping(id=ping_id):
                self._send(Pong(id=ping_id, frame=self._last_frame, memory_bytes=resident_memory_bytes()))
            case RenderOrder():
                self._accept(message)
            case _:
                self._refuse((), "bad_message", f"a bridge does not send {type(message).__name__}")

    def _accept(self, order: RenderOrder) -> None:
        """Queue an order, or refuse all of it."""
        due = time.monotonic() + order.deadline_ms / 1000
        try:
            check_order(order, self._hello, self._welcome, len(self._jobs))
            jobs = [Job(order, request, due) for request in read_requests(order, self._schemas[order.character])]
        except RequestRefusedError as error:
            self._refuse(order.ids, error.code, str(error))
        except InputError as error:
            self._refuse(order.ids, "bad_request", str(error))
        else:
            self._jobs.extend(jobs)

    def _draw(self, job: Job) -> None:
        wire_id = job.request.request_id
        if time.monotonic() > job.due:
            self._refuse((wire_id,), "deadline", "its deadline had passed before it was drawn")
            return
        started = time.perf_counter()
        try:
            frame = self._render(job.request, Stamp(wire_id) if job.order.stamp else None)
        except InputError as error:
            self._refuse((wire_id,), "bad_request", str(error))
        except EngineError as error:
            self._refuse((wire_id,), "render_failed", str(error))
        else:
            self._send_frame(frame, job.order, time.perf_counter() - started)

    def _render(self, request: RenderRequest, stamp: Stamp | None) -> Frame:
        if isinstance(self._bridge, DrawsStamps):
            self._bridge.set_stamp(stamp)
            return self._bridge.render([request])[0]
        frame = self._bridge.render([request])[0]
        if stamp is not None:
            paint_stamp(frame.picture, frame.mask, stamp)
        return frame

    def _send_frame(self, frame: Frame, order: RenderOrder, render_s: float) -> None:
        started = time.perf_counter()
        encoded = encode_pictures(frame.picture, frame.mask, order.encoding)
        self._last_frame = frame.frame_id
        height, width = frame.mask.shape
        self._send(
            FrameReply(
                id=frame.request_id,
                frame=frame.frame_id,
                width=width,
                height=height,
                encoding=order.encoding,
                vector=frame.vector,
                picture=encoded.picture,
                mask=encoded.mask,
                timings_ms={
                    "render": round(render_s * 1e3, 3),
                    "encode": round((time.perf_counter() - started) * 1e3, 3),
                },
            )
        )

    def _refuse(self, ids: tuple[int, ...], code: str, words: str) -> None:
        self._send(ErrorReply(ids=ids, code=code, message=one_line(words)))

    def _send(self, message: Message) -> None:
        for sent in self._wire.outgoing(message):
            self._connection.send(sent)


def resident_memory_bytes() -> int | None:
    """This process's resident memory; None where the system does not tell it in /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
