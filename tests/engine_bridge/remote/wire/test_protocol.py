from __future__ import annotations

import json
import struct
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_bridge.characters import load_schema
from engine_bridge.errors import ProtocolError
from engine_bridge.remote.wire.messages import (
    ERRORS,
    MAX_FRAME,
    MAX_HEADER_BYTES,
    MAX_ID,
    REFUSALS,
    Capabilities,
    ErrorReply,
    FrameReply,
    Goodbye,
    Hello,
    Message,
    Ping,
    Pong,
    Refusal,
    RenderOrder,
    Welcome,
)
from engine_bridge.remote.wire.protocol import UnknownMessageError, decode, encode

ids = st.integers(0, MAX_ID)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
unit = st.floats(0.0, 1.0, width=32)
ORDER = RenderOrder(
    character="tiny",
    fingerprint="f",
    resolution=16,
    deadline_ms=1000,
    ids=(1, 2),
    vectors=np.zeros((2, 3), np.float32),
)
FRAME = FrameReply(
    id=7, frame=9, width=2, height=2, vector=np.ones(3, np.float32), picture=bytes(range(12)), mask=b"\0\1\2\3"
)


@st.composite
def orders(draw: st.DrawFn) -> RenderOrder:
    chosen = tuple(draw(st.lists(ids, min_size=1, max_size=4, unique=True)))
    size = draw(st.integers(1, 5))
    values = draw(st.lists(unit, min_size=size * len(chosen), max_size=size * len(chosen)))
    scene = st.fixed_dictionaries({"yaw_deg": st.floats(-90, 90), "skin_tint": st.lists(unit, min_size=3, max_size=3)})
    return RenderOrder(
        character=draw(printable),
        fingerprint=draw(printable),
        resolution=draw(st.integers(16, 4096)),
        encoding=draw(st.sampled_from(["raw", "png"])),
        stamp=draw(st.booleans()),
        deadline_ms=draw(ids),
        ids=chosen,
        scenes=tuple(draw(st.lists(scene, min_size=len(chosen), max_size=len(chosen)) | st.just([]))),
        vectors=np.array(values, np.float32).reshape(len(chosen), size),
    )


frames = st.builds(
    FrameReply,
    id=ids,
    frame=st.integers(0, MAX_FRAME),
    width=st.integers(1, 4096),
    height=st.integers(1, 4096),
    encoding=st.sampled_from(["raw", "png"]),
    vector=st.lists(unit, min_size=1, max_size=8).map(lambda values: np.array(values, np.float32)),
    picture=st.binary(max_size=50),
    mask=st.binary(max_size=50),
    timings_ms=st.dictionaries(st.sampled_from(["apply", "render", "encode"]), st.floats(0, 1e6)),
)
capabilities = st.builds(
    Capabilities,
    maximum_px=st.integers(16, 4096),
    max_batch=st.integers(1, 32),
    max_in_flight=st.integers(32, 64),
    encodings=st.sampled_from([("raw",), ("png",), ("raw", "png")]),
    stamp=st.booleans(),
    read_back_tolerance=st.floats(0, 0.05),
    scene=st.sets(st.sampled_from(["yaw_deg", "zoom"])).map(frozenset),
    longest_frame_s=st.floats(0.01, 3600),
)
texts = st.one_of(
    st.builds(
        Hello,
        token=printable,
        engine=st.from_regex(r"[a-z0-9_-]{1,40}", fullmatch=True),
        build=printable,
        instance=printable,
        schemas=st.just((load_schema("tiny"),)),
        capabilities=capabilities,
    ),
    st.builds(
        Welcome,
        fingerprints=st.dictionaries(printable, printable, max_size=3),
        max_message_bytes=st.integers(1, 10**9),
        ping_s=st.floats(0.1, 100),
    ),
    st.builds(Refusal, code=st.sampled_from(list(REFUSALS)), message=printable),
    st.builds(ErrorReply, ids=st.lists(ids).map(tuple), code=st.sampled_from(ERRORS), message=printable),
    st.builds(Ping, id=ids),
    st.builds(Pong, id=ids, frame=st.none() | ids, memory_bytes=st.none() | ids),
    st.builds(Goodbye, reason=printable, again=st.booleans()),
)


def vector_size(message: Message) -> int:
    assert isinstance(message, RenderOrder | FrameReply)
    return message.vectors.size if isinstance(message, RenderOrder) else message.vector.size


def assert_same(got: Message, sent: Message) -> None:
    assert type(got) is type(sent)
    for member in fields(sent):
        np.testing.assert_equal(getattr(got, member.name), getattr(sent, member.name))


@given(texts)
def test_a_text_message_comes_back_as_it_was_sent(message: Message) -> None:
    encoded = encode(message)
    assert isinstance(encoded, str)
    assert_same(decode(encoded), message)


@given(orders() | frames)
def test_a_binary_message_comes_back_as_it_was_sent(message: RenderOrder | FrameReply) -> None:
    encoded = encode(message)
    assert isinstance(encoded, bytes)
    assert_same(decode(encoded), message)


@given(orders() | frames, st.data())
def test_a_cut_binary_message_is_refused_or_the_vector_is_shorter(
    message: RenderOrder | FrameReply, data: st.DataObject
) -> None:
    encoded = bytes(encode(message))
    cut = encoded[: data.draw(st.integers(0, len(encoded) - 1))]
    try:
        read = decode(cut)
    except ProtocolError:
        return
    assert vector_size(read) < vector_size(message)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_noise_is_refused_in_one_line(noise: bytes | str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(noise)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


@given(frames, st.data())
def test_changed_bytes_are_read_or_refused_but_never_crash(message: FrameReply, data: st.DataObject) -> None:
    encoded = bytearray(encode(message))  # type: ignore[arg-type]
    for _ in range(3):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ProtocolError):
        decode(bytes(encoded))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = sorted(
    {member.name for kind in (Hello, Welcome, Refusal, ErrorReply, Pong, Goodbye) for member in fields(kind)}
)


@given(
    st.sampled_from(["hello", "welcome", "refusal", "error", "ping", "pong", "goodbye"]),
    st.dictionaries(st.sampled_from(MEMBERS), json_values),
)
def test_members_of_any_kind_are_read_or_refused_but_never_crash(kind: str, members: dict[str, Any]) -> None:
    with suppress(ProtocolError):
        decode(json.dumps({"type": kind} | members))


def test_unknown_members_are_ignored() -> None:
    assert decode('{"type":"ping","id":3,"mood":"fine"}') == Ping(id=3)


def test_an_unknown_type_is_told_apart_from_garbage() -> None:
    with pytest.raises(UnknownMessageError):
        decode('{"type":"dance"}')


@pytest.mark.parametrize("message", ['{"type":"frame"}', '{"type":"render"}', b'\x0f\0\0\0{"type":"pong"}'])
def test_a_known_type_in_the_wrong_form_is_no_message_of_the_future(message: str | bytes) -> None:
    with pytest.raises(ProtocolError, match="is no") as refused:
        decode(message)
    assert not isinstance(refused.value, UnknownMessageError)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_json_or_floats_do_not_have_are_refused(number: str) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        decode(f'{{"type":"ping","id":{number}}}')


def test_a_deeply_nested_message_is_refused() -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        decode("[" * 60_000)


def test_a_header_longer_than_allowed_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="header"):
        decode(struct.pack("<I", MAX_HEADER_BYTES + 1) + b" " * (MAX_HEADER_BYTES + 1))


def test_a_frame_that_announces_more_bytes_than_it_has_is_refused() -> None:
    with pytest.raises(ProtocolError, match="payload"):
        decode(bytes(encode(FRAME))[:-13])


def test_pictures_are_views_into_the_message() -> None:
    encoded = bytes(encode(FRAME))
    reply = decode(encoded)
    assert isinstance(reply, FrameReply)
    assert isinstance(reply.picture, memoryview)
    assert reply.picture.obj is encoded


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(ProtocolError, match="distinct"):
        decode(encode(replace(ORDER, ids=(1, 1))))


def test_a_scene_for_some_of_the_requests_only_is_refused() -> None:
    with pytest.raises(ProtocolError, match="scenes"):
        decode(encode(replace(ORDER, scenes=({},))))


def hello(**changes: Any) -> str:
    sent = Hello(token="t", engine="godot3", build="1", instance="i", schemas=(load_schema("tiny"),))
    return json.dumps(json.loads(encode(sent)) | changes)


def test_a_schema_keeps_its_fingerprint_across_the_wire() -> None:
    schema = load_schema("justice_female")
    sent = Hello(token="t", engine="godot3", build="1", instance="i", schemas=(schema,))
    read = decode(encode(sent))
    assert isinstance(read, Hello)
    assert read.schemas[0].fingerprint == schema.fingerprint


def test_whole_numbers_in_a_schema_have_the_fingerprint_of_floats() -> None:
    schema = load_schema("tiny")
    whole = json.loads(hello())
    for entry in whole["schemas"][0]["continuous"]:
        entry["minimum"] = int(entry["minimum"]) if entry["minimum"] == int(entry["minimum"]) else entry["minimum"]
    read = decode(json.dumps(whole))
    assert isinstance(read, Hello)
    assert read.schemas[0].fingerprint == schema.fingerprint


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_times_outside_their_bounds_are_refused(seconds: float) -> None:
    with pytest.raises(ProtocolError, match="longest_frame_s"):
        decode(hello(capabilities={"longest_frame_s": seconds}))
    terms = {"type": "welcome", "protocol": [1, 0], "fingerprints": {}, "max_message_bytes": 1, "ping_s": seconds}
    with pytest.raises(ProtocolError, match="ping_s"):
        decode(json.dumps(terms))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"protocol": [2, 0]}, "bad_protocol"),
        ({"engine": "Unreal Engine"}, "bad_hello"),
        ({"build": "é"}, "bad_hello"),
        ({"capabilities": {"max_batch": 0}}, "bad_hello"),
        ({"capabilities": {"max_batch": 16, "max_in_flight": 8}}, "bad_hello"),
        ({"capabilities": {"encodings": ["jpeg"]}}, "bad_hello"),
        ({"capabilities": {"read_back_tolerance": 0.5}}, "bad_hello"),
        ({"schemas": []}, "bad_schema"),
        ({"schemas": [{"character": "elf"}]}, "bad_schema"),
    ],
)
def test_a_bad_hello_is_refused_with_its_code(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(hello(**changes))
    assert caught.value.code == code


def test_scene_fields_and_encodings_of_later_versions_are_left_out() -> None:
    read = decode(hello(capabilities={"scene": ["yaw_deg", "fog"], "encodings": ["webp", "png"]}))
    assert isinstance(read, Hello)
    assert read.capabilities.scene == {"yaw_deg"}
    assert read.capabilities.encodings == ("png",)


def test_a_later_minor_version_is_understood() -> None:
    read = decode(hello(protocol=[1, 7]))
    assert isinstance(read, Hello)
    assert read.protocol == (1, 7)


def test_words_for_people_become_one_printable_line() -> None:
    read = decode(json.dumps({"type": "error", "ids": [], "code": "render_failed", "message": "boom\n\x1b[31m"}))
    assert isinstance(read, ErrorReply)
    assert read.message.isprintable()
