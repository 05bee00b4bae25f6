"""Fixtures of the engine's tests. One engine is enough: a render does not depend on the ones before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.mock import MockEngine
from engine_bridge.scene import STUDIO, Scene
from engine_bridge.schema import Value, Vector

Render = Callable[..., Frame]


@pytest.fixture(scope="session")
def engine() -> Iterator[MockEngine]:
    opened = MockEngine()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def render(engine: MockEngine) -> Render:
    """``render(character, side, scene=..., **changes)``: the average face with some values of its schema changed.

    A change's dots are written as two underscores: ``nose_tip__ty=2.0``.
    """

    def call(character: str, side: int, scene: Scene = STUDIO, **changes: Value) -> Frame:
        schema = engine.describe(character)
        values = schema.decode(schema.default_vector())
        values |= {name.replace("__", "."): value for name, value in changes.items()}
        return render_vector(engine, character, schema.encode(values), side, scene)

    return call


def render_vector(engine: MockEngine, character: str, vector: Vector, side: int, scene: Scene = STUDIO) -> Frame:
    request = RenderRequest(request_id=0, character=character, vector=vector, resolution=side, scene=scene)
    return engine.render([request])[0]


@pytest.fixture(scope="session")
def random_faces(engine: MockEngine) -> Callable[[str, int, int], list[Frame]]:
    """``random_faces(character, count, side)``: every slider uniform, every choice random."""

    def call(character: str, count: int, side: int) -> list[Frame]:
        schema = engine.describe(character)
        random = np.random.default_rng(5)
        vectors = [schema.harden(random.random(schema.vector_size, np.float32)) for _ in range(count)]
        return [render_vector(engine, character, vector, side) for vector in vectors]

    return call
