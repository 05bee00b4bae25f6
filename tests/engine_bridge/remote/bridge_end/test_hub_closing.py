from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from engine_bridge.errors import EngineError, EngineLostError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine

if TYPE_CHECKING:
    from conftest import Connect, OpenBare, Say, SketchEngine


def num_pipes() -> int:
    """File descriptors of this process that are an end of a pipe."""
    ends = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            ends += str(descriptor.readlink()).startswith("pipe:")
    return ends


def render_until_lost(engine: RemoteEngine, requests: list[RenderRequest]) -> None:
    with suppress(EngineLostError):
        engine.render(requests)


def test_closing_sends_engines_home(token: str, say: Say, open_bare: OpenBare) -> None:
    with EngineHub(token=token) as hub:
        websocket = open_bare(hub.url)
        websocket.send(say())
        websocket.recv(5.0)
    goodbye = json.loads(websocket.recv(5.0))
    websocket.close()
    assert (goodbye["type"], goodbye["again"]) == ("goodbye", False)


def test_engines_that_are_wanted_again_are_told_so(token: str, say: Say, open_bare: OpenBare) -> None:
    hub = EngineHub(token=token)
    with closing(open_bare(hub.url)) as websocket:
        websocket.send(say())
        websocket.recv(5.0)
        hub.close(again=True)
        goodbye = json.loads(websocket.recv(5.0))
    assert (goodbye["type"], goodbye["again"]) == ("goodbye", True)


def test_an_engine_that_draws_while_the_hub_closes_dials_again(
    connect: Connect, hub: EngineHub, sketch_engine: type[SketchEngine], sketch_requests: Callable[..., Any], token: str
) -> None:
    engine, port = connect(sketch_engine(draw_s=1.5)), hub.port
    rendering = threading.Thread(target=render_until_lost, args=(engine, sketch_requests(4)))
    rendering.start()
    time.sleep(0.3)
    hub.close(again=True)
    rendering.join(5.0)
    with EngineHub(token=token, port=port) as next_hub:
        assert next_hub.accept("one", timeout_s=10.0).instance == "one"


def test_closing_waits_for_deaf_engines_together(token: str, say: Say, open_bare: OpenBare) -> None:
    hub = EngineHub(token=token)
    with ExitStack() as connections:
        for index in range(5):
            deaf = connections.enter_context(closing(open_bare(hub.url, max_queue=0, close_timeout=0.1)))
            deaf.send(say(instance=f"deaf-{index}"))
            hub.accept(timeout_s=5.0)
        started = time.monotonic()
        hub.close()
        assert time.monotonic() - started < 4.0


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux' /proc")
def test_a_closed_hub_leaves_no_file_open(token: str) -> None:
    before = num_pipes()
    for _ in range(10):
        EngineHub(token=token).close()
    assert num_pipes() < before + 10


def test_closing_wakes_whoever_waits_for_an_engine(token: str) -> None:
    hub = EngineHub(token=token)
    threading.Timer(0.1, hub.close).start()
    started = time.monotonic()
    with pytest.raises(EngineError, match="closed"):
        hub.accept(timeout_s=30.0)
    assert time.monotonic() - started < 5.0


def test_closing_does_not_wait_for_strangers_who_never_said_hello(token: str, open_bare: OpenBare) -> None:
    with EngineHub(token=token) as hub:
        websocket = open_bare(hub.url)
        started = time.monotonic()
    with closing(websocket), pytest.raises(ConnectionClosed):
        websocket.recv(5.0)
    assert time.monotonic() - started < 4.0


def test_closing_twice_is_closing_once(token: str) -> None:
    hub = EngineHub(token=token)
    hub.close()
    hub.close()
