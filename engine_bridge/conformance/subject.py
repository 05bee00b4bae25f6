"""The engine under test: a bridge to it, what it announced, and the handles that some checks need."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine_bridge.bridge import EngineBridge

if TYPE_CHECKING:
    from engine_bridge.conformance.wire import RawSession


class Wire(Protocol):
    """What the kit does beneath a remote engine's bridge, see :class:`engine_bridge.conformance.wire.KitEndpoint`."""

    def session(self, *, ping_s: float = ...) -> AbstractContextManager[RawSession]:
        """A session in which the kit speaks for itself; no other bridge to the engine is open meanwhile."""

    def engine(self, timeout_s: float = ...) -> EngineBridge:
        """The bridge to the engine once it has dialled again. Raises EngineTimeoutError."""


@dataclass(kw_only=True)
class Subject:
    """An engine under test.

    ``wire`` is None for an engine in this process; ``restart`` starts the engine afresh and returns a bridge to it,
    None when the subject cannot be restarted. Checks that need a handle that is None are skipped. ``needs_stamps``: a
    pool would send this engine away if it did not stamp its frames.
    """

    engine: EngineBridge
    wire: Wire | None = None
    restart: Callable[[], EngineBridge] | None = None
    needs_stamps: bool = False


@dataclass(frozen=True, kw_only=True)
class Announced:
    """What an engine says it can do. The defaults are those of an engine in this process."""

    minimum_px: int = 16
    maximum_px: int = 1024
    max_batch: int = 16
    stamp: bool = False
    read_back_tolerance: float = 0.001
    scene_fields: frozenset[str] = frozenset()
    longest_frame_s: float = 10.0

    @classmethod
    def by(cls, engine: EngineBridge) -> Announced:
        """From the engine's hello where it sent one."""
        fields: frozenset[str] = getattr(engine, "scene_fields", frozenset())
        capabilities = getattr(engine, "capabilities", None)
        if capabilities is None:
            return cls(scene_fields=fields)
        return cls(
            minimum_px=capabilities.minimum_px,
            maximum_px=capabilities.maximum_px,
            max_batch=capabilities.max_batch,
            stamp=capabilities.stamp,
            read_back_tolerance=capabilities.read_back_tolerance,
            scene_fields=fields,
            longest_frame_s=capabilities.longest_frame_s,
        )
