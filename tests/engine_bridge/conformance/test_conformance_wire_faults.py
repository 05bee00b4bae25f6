"""What the kit finds beneath the bridge: engines that mind neither their manners nor the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine_bridge.conformance import Verdict
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.remote.wire.messages import RenderOrder
from engine_bridge.schema import Vector


class Wire:
    """Its engine gives one code to all nonsense and these to wrong orders; afterwards there is another bridge."""

    def __init__(self, after: Any, *, nonsense: str | None = "bad_message", dropped_s: float | None = 2.0) -> None:
        self.after, self.nonsense, self.dropped_s = after, nonsense, dropped_s
        self.orders = iter(("bad_request", "stale_schema", "unknown_character"))

    @contextmanager
    def session(self, *, ping_s: float = 600.0) -> Iterator[Wire]:
        yield self

    def engine(self, timeout_s: float = 1.0) -> Any:
        return self.after

    def order(self, character: str, vectors: Sequence[Vector], *, resolution: int) -> RenderOrder:
        ids = tuple(range(len(vectors)))
        return RenderOrder(
            character=character, fingerprint="", resolution=64, deadline_ms=1, ids=ids, vectors=np.stack(vectors)
        )

    def refusal_of(self, data: Any, *, timeout_s: float) -> str | None:
        return next(self.orders) if isinstance(data, RenderOrder) else self.nonsense

    def draws(self, character: str, *, resolution: int, timeout_s: float) -> bool:
        return True

    def wait_dropped(self, *, timeout_s: float) -> float | None:
        return self.dropped_s

    def cut(self) -> None:
        """Nothing to cut."""


def negative(engine: MockEngine, requests: Sequence[RenderRequest]) -> list[Frame]:
    return [replace(frame, picture=255 - frame.picture) for frame in engine.render(requests)]


def test_an_engine_that_keeps_to_the_protocol_passes_on_the_wire(mock, attempt):
    for name in ("nonsense", "wrong-orders", "silence", "reconnects"):
        assert attempt(mock, name, wire=Wire(mock)).evidence.verdict is Verdict.PASSED


def test_nonsense_without_an_answer_is_found(mock, attempt):
    finding = attempt(mock, "nonsense", wire=Wire(mock, nonsense=None))
    assert finding.failed
    assert "no error" in finding.evidence.reason


def test_the_wrong_reason_for_not_drawing_is_found(mock, attempt):
    wire = Wire(mock)
    wire.orders = iter(("bad_request", None, "unknown_character"))
    assert attempt(mock, "wrong-orders", wire=wire).evidence.names == ("stale_schema: no error",)


@pytest.mark.parametrize("dropped_s", [None, 0.1])
def test_waiting_for_ever_or_not_at_all_is_found(mock, attempt, dropped_s):
    assert attempt(mock, "silence", wire=Wire(mock, dropped_s=dropped_s)).failed


def test_another_face_after_reconnecting_is_found(with_fault, attempt, mock):
    wire = Wire(with_fault(negative))
    assert attempt(mock, "reconnects", wire=wire).failed
