"""One WebSocket that carries messages: bounds, deadlines, and one family of errors. Both ends use it."""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import socket
import struct
import threading
import time
from typing import Final

from websockets.exceptions import ConnectionClosed
from websockets.sync.connection import Connection as WebSocket

from engine_bridge.errors import EngineLostError, EngineTimeoutError, ProtocolError
from engine_bridge.remote.wire.fields import one_line
from engine_bridge.remote.wire.messages import MAX_TEXT_BYTES, Message
from engine_bridge.remote.wire.protocol import decode, encode

SEND_TIMEOUT_S: Final = 20.0
CLOSE_TIMEOUT_S: Final = 1.0
MAX_QUEUED_MESSAGES: Final = 64
IDLE_QUEUE: Final = 4  # messages of an engine that owes no answer

NORMAL, PROTOCOL_BROKEN, TOO_BIG = 1000, 1002, 1009


class Connection:
    """Messages in and out. Any thread may send; one thread at a time may receive.

    Raises EngineTimeoutError, EngineLostError, or ProtocolError for a message that cannot be read (it is skipped).
    """

    def __init__(self, websocket: WebSocket, *, max_message_bytes: int, send_timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._websocket = websocket
        self._sent_at = self._heard_at = time.monotonic()
        self._closing = threading.Lock()
        self.allow_messages(max_message_bytes)
        _limit_sending(websocket.socket, send_timeout_s)
        keep_freed_memory()

    @property
    def subprotocol(self) -> str | None:
        """What both ends agreed on."""
        return self._websocket.subprotocol

    @property
    def end_status(self) -> int | None:
        """The WebSocket status with which the other end closed the connection, None if it has not."""
        closed = self._websocket.protocol.close_rcvd
        return None if closed is None else int(closed.code)

    @property
    def quiet_s(self) -> float:
        """Seconds since something was sent."""
        return time.monotonic() - self._sent_at

    @property
    def silent_s(self) -> float:
        """Seconds since something was received."""
        return time.monotonic() - self._heard_at

    def allow_messages(self, max_message_bytes: int) -> None:
        """From now on the largest message that the other end may send."""
        self._websocket.protocol.max_message_size = max_message_bytes

    def allow_queue(self, num_messages: int) -> None:
        """From now on the other end is not read while so many messages wait to be received."""
        waiting = self._websocket.recv_messages
        waiting.high, waiting.low = num_messages, num_messages // 4

    def send(self, message: Message | str | bytes) -> None:
        """Send a message, or data that is one already. Blocks while the other end does not read."""
        data = message if isinstance(message, str | bytes) else encode(message)
        self._sent_at = time.monotonic()
        try:
            self._websocket.send(data)
        except ConnectionClosed as error:
            raise EngineLostError(_describe_end(error)) from error

    def receive(self, timeout_s: float) -> Message:
        """The next message; one that has arrived already is returned even when ``timeout_s`` is 0 or less."""
        return decode(self.receive_data(timeout_s))

    def receive_data(self, timeout_s: float, longest_text: int = MAX_TEXT_BYTES) -> str | bytes:
        """The next message as it came."""
        try:
            data = self._websocket.recv(max(timeout_s, 0.0))
        except TimeoutError as error:
            raise EngineTimeoutError(f"nothing was heard for {max(timeout_s, 0.0):.1f} s") from error
        except ConnectionClosed as error:
            raise EngineLostError(_describe_end(error)) from error
        self._heard_at = time.monotonic()
        if isinstance(data, str) and len(data) > longest_text:
            raise ProtocolError(f"a text message of {len(data)} characters; at most {longest_text} are allowed")
        return data

    def close(self, status: int = NORMAL, reason: str = "") -> None:
        """Say the WebSocket's goodbye and close, within a second or so. Idempotent."""
        with self._closing, contextlib.suppress(ConnectionClosed):
            self._websocket.close(status, one_line(reason).encode("ascii", "replace").decode()[:120])


def keep_freed_memory() -> None:
    """Have glibc keep freed megabytes instead of returning them to the system after every picture.

    Fresh pages are zeroed by the kernel one by one: with glibc's defaults a message of 1 MB costs 1.1 ms, most of it
    page faults, with these 0.3 ms. No other C library needs or has this.
    """
    with contextlib.suppress(AttributeError, OSError):
        tune = ctypes.CDLL(None).mallopt
        tune(_TRIM_THRESHOLD, _KEPT_BYTES)
        tune(_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES, _LARGEST_KEPT_BYTES = 128 << 20, 32 << 20


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and cannot be reached from outside."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _limit_sending(raw: socket.socket, timeout_s: float) -> None:
    """A deadline for sending only: ``settimeout`` would end the library's receiving thread as well."""
    seconds = struct.pack("@ll", int(timeout_s), int(timeout_s % 1 * 1e6))
    with contextlib.suppress(OSError, AttributeError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, seconds)


def _describe_end(closed: ConnectionClosed) -> str:
    if closed.sent is not None and closed.sent.code == TOO_BIG:
        return "the connection was closed: the other end sent a message that is too large"
    if closed.rcvd is not None:
        return f"the other end closed the connection: {closed.rcvd.code} {one_line(closed.rcvd.reason, 200)}".rstrip()
    return "the connection ended without a goodbye"
