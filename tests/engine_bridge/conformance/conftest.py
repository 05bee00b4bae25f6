"""Fixtures of the conformance kit's tests: an honest engine, engines with one fault, and one behaviour at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.conformance import BEHAVIOURS, Finding, Subject, Trial, try_behaviour
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.schema import ParameterSchema

Fault = Callable[[MockEngine, Sequence[RenderRequest]], list[Frame]]


class FaultyEngine:
    """The mock with one fault. ``announces`` are attributes of its capabilities."""

    def __init__(self, engine: MockEngine, fault: Fault, **changes: Any) -> None:
        self.name, self.build, self.scene_fields = engine.name, engine.build, engine.scene_fields
        self.describe: Callable[[str], ParameterSchema] = engine.describe
        self._engine, self._fault = engine, fault
        vars(self).update(changes)

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        return self._fault(self._engine, requests)

    def close(self) -> None:
        """The mock belongs to the session."""


@pytest.fixture(scope="session")
def mock() -> Iterator[MockEngine]:
    opened = MockEngine()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def with_fault(mock: MockEngine) -> Callable[..., EngineBridge]:
    """``with_fault(fault, scene_fields=...)``: the mock with that fault and other attributes."""
    return lambda fault, **changes: FaultyEngine(mock, fault, **changes)


@pytest.fixture(scope="session")
def attempt() -> Callable[..., Finding]:
    """``attempt(engine, "repeats", wire=...)``: one behaviour of the catalog tried on one engine."""
    behaviours = {behaviour.name: behaviour for behaviour in BEHAVIOURS}

    def call(
        engine: EngineBridge, name: str, *, character: str = "tiny", subject: Subject | None = None, **handles: Any
    ) -> Finding:
        return try_behaviour(Trial(subject or Subject(engine=engine, **handles), character), behaviours[name])

    return call
