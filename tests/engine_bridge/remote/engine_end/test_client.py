from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from engine_bridge.frames import Frame
from engine_bridge.remote.wire.messages import (
    ErrorReply,
    FrameReply,
    Message,
    Ping,
    Pong,
)
from engine_bridge.remote.wire.stamps import Stamp, check_stamp, paint_stamp
from engine_bridge.schema import ParameterSchema

if TYPE_CHECKING:
    from conftest import SketchEngine, Talk


Serving = Callable[..., "Talk"]


def test_hello_tells_everything_about_the_engine(serving: Serving, token: str, sketch_schema: ParameterSchema) -> None:
    hello = serving(max_batch=8).hello
    assert (hello.token, hello.engine, hello.build, hello.instance) == (token, "sketch", "sketch-1", "one")
    assert hello.schemas == (sketch_schema,)
    assert hello.capabilities.max_batch == 8


def test_every_request_of_an_order_is_answered_in_turn(serving: Serving) -> None:
    talk = serving()
    talk.say(talk.order(7, 3, 9))
    replies = [talk.hear() for _ in range(3)]
    assert [(reply.id, reply.frame) for reply in replies if isinstance(reply, FrameReply)] == [(7, 1), (3, 2), (9, 3)]


def test_a_stamp_is_painted_for_engines_that_cannot_draw_it(serving: Serving) -> None:
    talk = serving()
    talk.say(talk.order(77, stamp=True))
    check_stamp(*read_pictures(talk.hear()), Stamp(77))


def test_an_engine_that_draws_stamps_is_told_which(serving: Serving, sketch_engine: type[SketchEngine]) -> None:
    class Stamping(sketch_engine):  # type: ignore[misc, valid-type]
        stamp: Stamp | None = None

        def set_stamp(self, stamp: Stamp | None) -> None:
            self.stamp = stamp

        def render(self, requests: Any) -> list[Frame]:
            (frame,) = super().render(requests)
            if self.stamp is not None:
                paint_stamp(frame.picture, frame.mask, Stamp(self.stamp.request_id + 1))
            return [frame]

    talk = serving(Stamping())
    talk.say(talk.order(20, stamp=True))
    check_stamp(*read_pictures(talk.hear()), Stamp(21))
    talk.say(talk.order(21, stamp=False))
    assert read_pictures(talk.hear())[0][0, 0].tolist() == read_pictures_of_no_stamp(talk)


def read_pictures_of_no_stamp(talk: Talk) -> list[int]:
    talk.say(talk.order(22, stamp=False))
    return read_pictures(talk.hear())[0][0, 5].tolist()  # type: ignore[no-any-return]


def read_pictures(reply: Message) -> tuple[Any, Any]:
    assert isinstance(reply, FrameReply)
    side = reply.width
    return (
        np.frombuffer(reply.picture, np.uint8).reshape(side, side, 3),
        np.frombuffer(reply.mask, np.uint8).reshape(side, side),
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"character": "elf"}, "unknown_character"),
        ({"fingerprint": "0"}, "stale_schema"),
        ({"resolution": 8}, "bad_request"),
        ({"resolution": 2048}, "bad_request"),
        ({"encoding": "webp"}, "bad_request"),
        ({"encoding": "png"}, "bad_request"),
        ({"vectors": np.zeros((1, 3), np.float32)}, "bad_request"),
        ({"vectors": np.full((1, 4), np.nan, np.float32)}, "bad_request"),
        ({"scenes": ({"zoom": 2.0},)}, "bad_request"),
        ({"scenes": ({"yaw_deg": "left"},)}, "bad_request"),
        ({"scenes": ({"yaw_deg": 500},)}, "bad_request"),
    ],
)
def test_an_order_that_cannot_be_drawn_is_refused_and_the_next_is_drawn(
    serving: Serving, changes: dict[str, Any], code: str
) -> None:
    talk = serving()
    talk.say(talk.order(1, **changes))
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert (refused.ids, refused.code) == ((1,), code)
    talk.assert_draws()


def test_a_stamp_that_was_not_announced_is_refused(serving: Serving) -> None:
    talk = serving(stamp=False)
    talk.say(talk.order(1, stamp=True))
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert refused.code == "bad_request"


def test_more_than_was_announced_is_too_much(serving: Serving) -> None:
    talk = serving(max_batch=2, max_in_flight=4)
    talk.say(talk.order(1, 2, 3))
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert (refused.ids, refused.code) == ((1, 2, 3), "overloaded")


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "[]",
        '{"type": "dance"}',
        '{"type": "pong", "id": 1}',
        b"",
        b"\xff\xff\xff\xff",
        b"\x02\x00\x00\x00{}",
        "x" * 100_000,
    ],
)
def test_garbage_is_answered_with_bad_message_and_survived(serving: Serving, garbage: str | bytes) -> None:
    talk = serving()
    talk.say(garbage)
    refused = talk.hear()
    assert isinstance(refused, ErrorReply)
    assert (refused.ids, refused.code) == ((), "bad_message")
    talk.assert_draws()


def test_pings_are_answered_between_frames(serving: Serving, sketch_engine: type[SketchEngine]) -> None:
    talk = serving(sketch_engine(draw_s=0.05))
    talk.say(talk.order(1, 2, 3, 4))
    talk.say(Ping(id=44))
    replies = [talk.hear() for _ in range(5)]
    assert not isinstance(replies[-1], Pong)
    assert any(isinstance(reply, Pong) and reply.id == 44 for reply in replies)


def test_a_pong_tells_the_last_frame(serving: Serving) -> None:
    talk = serving()
    talk.assert_draws()
    talk.say(Ping(id=1))
    pong = talk.hear()
    assert isinstance(pong, Pong)
    assert pong.frame == 1


def test_what_is_past_its_deadline_is_skipped(serving: Serving, sketch_engine: type[SketchEngine]) -> None:
    talk = serving(sketch_engine(draw_s=0.2))
    talk.say(talk.order(1, 2, deadline_ms=100))
    drawn, skipped = talk.hear(), talk.hear()
    assert isinstance(drawn, FrameReply)
    assert isinstance(skipped, ErrorReply)
    assert (skipped.ids, skipped.code) == ((2,), "deadline")
