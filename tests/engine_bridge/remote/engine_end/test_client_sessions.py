from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed

from engine_bridge.errors import EngineUnavailableError, InputError
from engine_bridge.remote.engine_end import client
from engine_bridge.remote.wire.messages import (
    REFUSALS,
    Goodbye,
    Refusal,
)

if TYPE_CHECKING:
    from conftest import BareBridge, SketchEngine, Talk


Serving = Callable[..., "Talk"]


def test_a_lost_connection_is_dialled_again(serving: Serving, bridge: BareBridge) -> None:
    serving().websocket.close_socket()
    again = bridge.talk()
    again.welcome()
    again.assert_draws()


def test_a_goodbye_that_asks_for_it_is_followed_by_a_new_session(serving: Serving, bridge: BareBridge) -> None:
    talk = serving()
    talk.say(Goodbye(reason="later", again=True))
    assert bridge.talk().hello.instance == "one"


def test_a_goodbye_for_good_ends_the_engine_even_while_it_draws(
    serving: Serving, sketch_engine: type[SketchEngine], bridge: BareBridge
) -> None:
    talk = serving(sketch_engine(draw_s=0.1))
    talk.say(talk.order(1, 2, 3))
    talk.say(Goodbye(reason="done", again=False))
    with contextlib.suppress(ConnectionClosed):
        talk.websocket.close()
    with pytest.raises(queue.Empty):
        bridge.sessions.get(timeout=0.5)


def test_a_bridge_that_is_not_heard_is_dropped(serving: Serving, bridge: BareBridge) -> None:
    serving(answer=lambda talk: talk.welcome(ping_s=0.05))
    assert bridge.talk().hello.instance == "one"


def test_a_busy_bridge_is_dialled_again(bridge: BareBridge, serving: Serving) -> None:
    serving(answer=lambda talk: talk.say(Refusal(code="busy", message="full")))
    assert bridge.talk().hello.instance == "one"


def test_a_refusal_that_is_not_known_is_followed_by_another_call(bridge: BareBridge, serving: Serving) -> None:
    serving(answer=lambda talk: talk.say(Refusal(code="too_hot", message="later")))
    assert bridge.talk().hello.instance == "one"


@pytest.mark.parametrize(("code", "status"), [(code, status) for code, status in REFUSALS.items() if code != "busy"])
def test_the_status_alone_is_a_refusal_for_good(
    bridge: BareBridge, sketch_engine: type[SketchEngine], code: str, status: int
) -> None:
    def refuse() -> None:
        bridge.talk().websocket.close(status)

    threading.Thread(target=refuse).start()
    with pytest.raises(EngineUnavailableError, match=code):
        client.serve(sketch_engine(), url=bridge.url, token="t", instance="one", characters=["sketch"])


@pytest.mark.parametrize("status", [1000, 4008, 4999])
def test_any_other_status_is_followed_by_another_call(bridge: BareBridge, serving: Serving, status: int) -> None:
    serving(answer=lambda talk: talk.websocket.close(status))
    assert bridge.talk().hello.instance == "one"


def test_a_refusal_for_good_is_an_error(bridge: BareBridge, sketch_engine: type[SketchEngine]) -> None:
    def refuse() -> None:
        bridge.talk().say(Refusal(code="bad_token", message="who are you?"))

    threading.Thread(target=refuse).start()
    with pytest.raises(EngineUnavailableError, match=r"bad_token: who are you\?"):
        client.serve(sketch_engine(), url=bridge.url, token="t", instance="one", characters=["sketch"])


@pytest.mark.parametrize("url", ["ws://example.org/", "http://127.0.0.1/", "127.0.0.1:80", "ws://10.0.0.1:1/"])
def test_the_token_is_never_sent_in_the_clear_to_another_machine(url: str, sketch_engine: type[SketchEngine]) -> None:
    with pytest.raises(InputError, match="wss"):
        client.serve(sketch_engine(), url=url, token="t", instance="one", characters=["sketch"])
