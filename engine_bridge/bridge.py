"""The two verbs every engine understands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.schema import ParameterSchema


@runtime_checkable
class EngineBridge(Protocol):
    """An engine, local or remote. One bridge is used by one thread at a time."""

    @property
    def name(self) -> str:
        """The engine's name, e.g. ``mock``."""

    @property
    def build(self) -> str:
        """Changes whenever the engine may draw the same vector differently."""

    @property
    def scene_fields(self) -> frozenset[str]:
        """Names of the fields of :class:`Scene` that are honoured; of a request's scene the others must be neutral."""

    def describe(self, character: str) -> ParameterSchema:
        """The schema of a character type. Works before anything is rendered.

        Raises UnknownCharacterError.
        """

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        """Frames in the order of the requests, ids echoed.

        Raises SchemaError for a vector that does not fit, EngineError for engine trouble; then no frame of the batch
        is returned.
        """

    def close(self) -> None:
        """Free the engine. Idempotent."""
