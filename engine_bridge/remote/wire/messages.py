"""The messages of the engine protocol, version 1.0, and its limits: docs/protocol.md as types.

N   requests in one render order
V   length of a vector
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine_bridge.frames import MINIMUM_RESOLUTION
from engine_bridge.schema import ParameterSchema, Vector

PROTOCOL: Final = (1, 0)
SUBPROTOCOL: Final = "f2p.engine.v1"
ENCODINGS: Final = ("raw", "png")

MAX_HELLO_BYTES: Final = 8 << 20
MAX_TEXT_BYTES: Final = 64 << 10
MAX_HEADER_BYTES: Final = 64 << 10
MAX_ORDER_BYTES: Final = 16 << 20  # an engine refuses larger messages
MAX_ID: Final = 2**31 - 1
MAX_FRAME: Final = 2**53 - 1  # every JSON reader has these integers
MAX_BATCH, MAX_IN_FLIGHT = 1024, 4096

HELLO_DEADLINE_S: Final = 10.0
SHORTEST_SILENCE_S: Final = 5.0

#: WebSocket close status of each refusal; an engine dials again only after ``busy``.
REFUSALS: Final[Mapping[str, int]] = {
    "bad_protocol": 4001,
    "bad_token": 4003,
    "bad_hello": 4004,
    "bad_schema": 4005,
    "bad_build": 4006,
    "busy": 4008,
}
ERRORS: Final = (
    "bad_message",
    "bad_request",
    "unknown_character",
    "stale_schema",
    "overloaded",
    "deadline",
    "render_failed",
)

TIMINGS: Final = ("apply", "render", "encode")

Bytes = bytes | memoryview
VectorBatch = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What an engine can do; the defaults are the protocol's."""

    minimum_px: int = MINIMUM_RESOLUTION
    maximum_px: int = 1024
    max_batch: int = 16
    max_in_flight: int = 32
    encodings: tuple[str, ...] = ("raw",)
    stamp: bool = False
    read_back_tolerance: float = 0.001
    scene: frozenset[str] = frozenset()
    longest_frame_s: float = 10.0

    @property
    def silence_s(self) -> float:
        """Silence beyond this, with something to answer, is taken for a hang."""
        return max(SHORTEST_SILENCE_S, self.longest_frame_s)


@dataclass(frozen=True, kw_only=True)
class Hello:
    """The engine introduces itself."""

    protocol: tuple[int, int] = PROTOCOL
    token: str = field(repr=False)
    engine: str
    build: str
    instance: str
    schemas: tuple[ParameterSchema, ...]
    capabilities: Capabilities = Capabilities()


@dataclass(frozen=True, kw_only=True)
class Welcome:
    """The bridge takes the engine in. ``fingerprints`` is keyed on the character type."""

    protocol: tuple[int, int] = PROTOCOL
    fingerprints: Mapping[str, str]
    max_message_bytes: int
    ping_s: float


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The bridge does not; ``code`` is one of REFUSALS."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RenderOrder:
    """N requests that share character, size and encoding. ``vectors`` is float32 (N, V)."""

    character: str
    fingerprint: str
    resolution: int
    encoding: str = "raw"
    stamp: bool = False
    deadline_ms: int
    ids: tuple[int, ...]
    scenes: tuple[Mapping[str, Any], ...] = ()  # empty, or one per request
    vectors: VectorBatch


@dataclass(frozen=True, kw_only=True)
class FrameReply:
    """A rendered request: ``vector`` float32 (V,) as read back, picture and mask encoded as ``encoding`` says."""

    id: int
    frame: int
    width: int
    height: int
    encoding: str = "raw"
    vector: Vector
    picture: Bytes
    mask: Bytes
    timings_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ErrorReply:
    """Requests that get no frame, or a message that made no sense; ``code`` is one of ERRORS."""

    ids: tuple[int, ...] = ()
    code: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Ping:
    """The bridge asks for a sign of life."""

    id: int


@dataclass(frozen=True, kw_only=True)
class Pong:
    """The sign of life: the last frame number and the engine's resident memory, where known."""

    id: int
    frame: int | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, kw_only=True)
class Goodbye:
    """The session ends; ``again`` tells the engine whether to dial again."""

    reason: str = ""
    again: bool = True


Message = Hello | Welcome | Refusal | RenderOrder | FrameReply | ErrorReply | Ping | Pong | Goodbye
