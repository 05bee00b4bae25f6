"""An engine that draws nothing worth seeing, fast, and the means to connect it to a hub in this process."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket
from websockets.typing import Subprotocol

from engine_bridge.errors import EngineError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.engine_end.client import serve
from engine_bridge.remote.engine_end.faults import parse_faults
from engine_bridge.remote.engine_end.faulty_wire import FaultyWire
from engine_bridge.remote.wire.messages import Capabilities, Hello
from engine_bridge.remote.wire.protocol import encode
from engine_bridge.scene import ENGINE_SCENE_FIELDS, STUDIO, Scene
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema, Vector

TOKEN = "a token of sixteen characters or more"
SIDE = 32


def slider(name: str) -> ContinuousParameter:
    return ContinuousParameter(
        name=name, group="face", bone=name, controller="ty", minimum=-4.0, maximum=4.0, default=0.0
    )


SKETCH = ParameterSchema(
    character="sketch",
    title="Sketch",
    head="none",
    continuous=(slider("brow"), slider("jaw")),
    discrete=(DiscreteParameter(name="hairstyle", group="hair", choices=("bob", "bald"), default="bob"),),
)


@dataclass
class SketchEngine:
    """Colours tell the vector; the lower half of the mask is skin, the upper hair."""

    name: str = "sketch"
    build: str = "sketch-1"
    scene_fields: frozenset[str] = ENGINE_SCENE_FIELDS
    draw_s: float = 0.0
    refuse: Exception | None = None
    drawn: list[RenderRequest] = field(default_factory=list)

    def describe(self, character: str) -> ParameterSchema:
        return SKETCH

    def render(self, requests: Sequence[RenderRequest]) -> list[Frame]:
        if self.refuse is not None:
            raise self.refuse
        time.sleep(self.draw_s)
        return [self._draw(request) for request in requests]

    def close(self) -> None:
        pass

    def _draw(self, request: RenderRequest) -> Frame:
        self.drawn.append(request)
        side = request.resolution
        picture = np.zeros((side, side, 3), np.uint8)
        picture[..., :2] = (255 * request.vector[:2]).astype(np.uint8)
        picture[..., 2] = np.linspace(20, 200, side)[:, None]  # alike along a row: stamps leave no trace
        mask = np.full((side, side), 10, np.uint8)
        mask[side // 2 :] = 1
        return Frame(
            request_id=request.request_id, frame_id=len(self.drawn), vector=request.vector, picture=picture, mask=mask
        )


class ProcessDeath(BaseException):
    """Stands for the end of an engine's process."""


def make_vector(*sliders: float, bald: bool = False) -> Vector:
    return np.array([*sliders, 0.0 if bald else 1.0, 1.0 if bald else 0.0], np.float32)


def make_requests(count: int, *, side: int = SIDE, scene: Scene = STUDIO) -> list[RenderRequest]:
    """Requests that all look different, their ids counting from 100."""
    return [
        RenderRequest(
            request_id=100 + index,
            character="sketch",
            vector=make_vector(index % 50 / 50, index // 50 / 50),
            resolution=side,
            scene=scene,
        )
        for index in range(count)
    ]


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def sketch_schema() -> ParameterSchema:
    return SKETCH


@pytest.fixture
def sketch_engine() -> type[SketchEngine]:
    return SketchEngine


@pytest.fixture
def sketch_requests() -> Callable[..., list[RenderRequest]]:
    return make_requests


@pytest.fixture
def hub() -> Iterator[EngineHub]:
    with EngineHub(token=TOKEN, ping_s=0.2) as opened:
        yield opened


Connect = Callable[..., RemoteEngine]


@pytest.fixture
def connect(hub: EngineHub) -> Iterator[Connect]:
    """``connect(engine, faults="late@3", **capabilities)``: the engine as the bridge sees it, served from a thread."""
    threads: list[threading.Thread] = []
    released = threading.Event()

    def call(
        engine: SketchEngine | None = None, *, faults: str = "", instance: str = "one", **capabilities: object
    ) -> RemoteEngine:
        wire = FaultyWire(parse_faults(faults), die=_die, sleep=released.wait)
        abilities = Capabilities(**({"stamp": True, "scene": ENGINE_SCENE_FIELDS} | capabilities))  # type: ignore[arg-type]
        thread = threading.Thread(
            target=serve_quietly,
            args=(engine or SketchEngine(),),
            kwargs={
                "url": hub.url,
                "instance": instance,
                "capabilities": abilities,
                "wire": wire,
                "stop": released,
            },
            daemon=True,
        )
        thread.start()
        threads.append(thread)
        return hub.accept(instance, timeout_s=5.0)

    yield call
    released.set()
    hub.close()
    for thread in threads:
        thread.join(5.0)
        assert not thread.is_alive()


def serve_quietly(
    engine: SketchEngine,
    *,
    url: str,
    instance: str,
    capabilities: Capabilities,
    wire: FaultyWire,
    stop: threading.Event,
) -> None:
    """Serve until sent home, stopped, refused, or dead."""
    try:
        serve(
            engine,
            url=url,
            token=TOKEN,
            instance=instance,
            characters=["sketch"],
            capabilities=capabilities,
            wire=wire,
            stop=stop,
        )
    except (ProcessDeath, EngineError):
        return


def _die(status: int) -> None:
    raise ProcessDeath(status)


OpenBare = Callable[..., ClientConnection]


@pytest.fixture
def open_bare() -> OpenBare:
    """``open_bare(url, "f2p.engine.v1")``: a WebSocket that says nothing by itself."""

    def call(url: str, *subprotocols: str, **options: Any) -> ClientConnection:
        offered = [Subprotocol(name) for name in subprotocols or ("f2p.engine.v1",)]
        return open_websocket(url, subprotocols=offered, compression=None, proxy=None, **options)

    return call


@pytest.fixture
def dial(hub: EngineHub, open_bare: OpenBare) -> Iterator[Callable[[], ClientConnection]]:
    """A bare WebSocket to the hub."""
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(contextlib.closing(open_bare(hub.url)))


Say = Callable[..., str]


@pytest.fixture
def say(token: str, sketch_schema: ParameterSchema) -> Say:
    """``say(instance="b")``: a hello with some of its members changed."""

    def call(**changes: Any) -> str:
        hello = Hello(token=token, engine="sketch", build="sketch-1", instance="raw", schemas=(sketch_schema,))
        return json.dumps(json.loads(encode(hello)) | changes)

    return call
