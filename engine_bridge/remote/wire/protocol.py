"""The codec of the engine protocol (docs/protocol.md, version 1.0). Pure, no I/O.

A text message is one JSON object. A binary message is a little-endian u32 N, N bytes of JSON (the header), the payload.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from engine_bridge.errors import ProtocolError
from engine_bridge.frames import MAXIMUM_RESOLUTION, MINIMUM_RESOLUTION
from engine_bridge.remote.wire import fields
from engine_bridge.remote.wire.messages import (
    ENCODINGS,
    MAX_BATCH,
    MAX_FRAME,
    MAX_HEADER_BYTES,
    MAX_ID,
    MAX_IN_FLIGHT,
    PROTOCOL,
    REFUSALS,
    TIMINGS,
    Bytes,
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
from engine_bridge.scene import ENGINE_SCENE_FIELDS


class UnknownMessageError(ProtocolError):
    """A message of a type that this version does not know: the bridge ignores it."""


def encode(message: Message) -> str | bytes:
    """A message as it is sent: ``str`` for a text message, ``bytes`` for a binary one."""
    match message:
        case RenderOrder(vectors=vectors):
            members = {name: value for name, value in vars(message).items() if name != "vectors"}
            if not message.scenes:
                del members["scenes"]
            return _pack({"type": "render"} | members, np.ascontiguousarray(vectors, "<f4").tobytes())
        case FrameReply(vector=vector, picture=picture, mask=mask):
            sizes = {"picture_bytes": len(picture), "mask_bytes": len(mask)}
            members = {
                name: value for name, value in vars(message).items() if name not in ("vector", "picture", "mask")
            }
            return _pack(
                {"type": "frame"} | members | sizes, np.ascontiguousarray(vector, "<f4").tobytes(), picture, mask
            )
        case Hello(schemas=schemas, capabilities=capabilities):
            abilities = asdict(capabilities) | {"scene": sorted(capabilities.scene)}
            listed = [schema.to_dict() for schema in schemas]
            return _dump({"type": "hello"} | vars(message) | {"schemas": listed, "capabilities": abilities})
        case Pong():
            return _dump({"type": "pong"} | {name: value for name, value in vars(message).items() if value is not None})
        case _:
            return _dump({"type": _TYPES[type(message)]} | vars(message))


def decode(data: str | Bytes) -> Message:
    """The message that was sent; arrays and pictures are views into ``data``, nothing is copied.

    Raises ProtocolError with a reason of one line, UnknownMessageError for a type that is not known.
    """
    if isinstance(data, str):
        header, payload = fields.parse_object(data), None
    else:
        header, payload = _unpack(data)
    kind = fields.text(header, "type")
    if payload is not None and kind in _BINARY_READERS:
        return _BINARY_READERS[kind](header, payload)
    if payload is None and kind in _TEXT_READERS:
        return _TEXT_READERS[kind](header)
    if kind in _BINARY_READERS or kind in _TEXT_READERS:
        raise ProtocolError(f"type: {kind} is no {'text' if payload is None else 'binary'} message")
    raise UnknownMessageError(f"type: there is no message {fields.one_line(kind)!r}")


def check_major_version(header: fields.Object) -> tuple[int, int]:
    """The version a ``hello`` or ``welcome`` speaks. Raises ProtocolError of code ``bad_protocol``."""
    version = fields.integers(header, "protocol", 0, 10**6, longest=2)
    if len(version) != 2 or version[0] != PROTOCOL[0]:
        raise ProtocolError(f"protocol: this end speaks {list(PROTOCOL)}, got {list(version)}", code="bad_protocol")
    return version[0], version[1]


def _pack(header: Mapping[str, Any], *payload: Bytes) -> bytes:
    encoded = _dump(header).encode()
    return b"".join((struct.pack("<I", len(encoded)), encoded, *payload))


def _dump(members: Mapping[str, Any]) -> str:
    return json.dumps(members, separators=(",", ":"), allow_nan=False)


def _unpack(data: Bytes) -> tuple[dict[str, Any], memoryview | None]:
    view = memoryview(data)
    if len(view) < 4:
        raise ProtocolError(f"a binary message has at least 4 bytes, got {len(view)}")
    (length,) = struct.unpack("<I", view[:4])
    if length > min(MAX_HEADER_BYTES, len(view) - 4):
        raise ProtocolError(f"header: {length} bytes announced, {len(view) - 4} sent, {MAX_HEADER_BYTES} allowed")
    return fields.parse_object(bytes(view[4 : 4 + length])), view[4 + length :]


def _read_render(header: fields.Object, payload: memoryview) -> RenderOrder:
    ids = fields.integers(header, "ids", 0, MAX_ID, longest=MAX_BATCH)
    scenes = fields.objects(header, "scenes", longest=MAX_BATCH, default=[])
    if not ids or len(set(ids)) != len(ids) or len(scenes) not in (0, len(ids)):
        raise ProtocolError(f"ids: expected distinct ids, and as many scenes; got {len(ids)} and {len(scenes)}")
    if not len(payload) or len(payload) % (4 * len(ids)):
        raise ProtocolError(f"payload: {len(payload)} bytes are no float32 array of {len(ids)} rows")
    return RenderOrder(
        character=fields.text(header, "character"),
        fingerprint=fields.text(header, "fingerprint"),
        resolution=fields.integer(header, "resolution", 1, MAXIMUM_RESOLUTION),
        encoding=fields.text(header, "encoding"),
        stamp=fields.boolean(header, "stamp", default=False),
        deadline_ms=fields.integer(header, "deadline_ms", 0, MAX_ID),
        ids=ids,
        scenes=tuple(scenes),
        vectors=np.frombuffer(payload, "<f4").reshape(len(ids), -1),
    )


def _read_frame(header: fields.Object, payload: memoryview) -> FrameReply:
    sizes = [fields.integer(header, name, 0, MAX_FRAME) for name in ("picture_bytes", "mask_bytes")]
    vector_bytes = len(payload) - sum(sizes)
    if vector_bytes <= 0 or vector_bytes % 4:
        raise ProtocolError(f"payload: {len(payload)} bytes do not hold a vector and {sizes[0]} + {sizes[1]} bytes")
    picture_end = vector_bytes + sizes[0]
    timings = fields.mapping(header, "timings_ms", default={})
    return FrameReply(
        id=fields.integer(header, "id", 0, MAX_ID),
        frame=fields.integer(header, "frame", 0, MAX_FRAME),
        width=fields.integer(header, "width", 1, MAXIMUM_RESOLUTION),
        height=fields.integer(header, "height", 1, MAXIMUM_RESOLUTION),
        encoding=fields.text(header, "encoding"),
        vector=np.frombuffer(payload[:vector_bytes], "<f4"),
        picture=payload[vector_bytes:picture_end],
        mask=payload[picture_end:],
        timings_ms={name: fields.number(timings, name, 0.0, 1e9) for name in TIMINGS if name in timings},
    )


def _read_hello(header: fields.Object) -> Hello:
    try:
        return Hello(
            protocol=check_major_version(header),
            token=fields.text(header, "token", longest=1000),
            engine=_name(header, "engine"),
            build=_ascii(header, "build"),
            instance=_ascii(header, "instance"),
            capabilities=_capabilities(fields.mapping(header, "capabilities", default={})),
            schemas=fields.schemas(header, "schemas"),
        )
    except ProtocolError as error:
        code = error.code if error.code in REFUSALS else "bad_hello"
        raise ProtocolError(str(error), code=code) from error


def _read_welcome(header: fields.Object) -> Welcome:
    fingerprints = fields.mapping(header, "fingerprints")
    return Welcome(
        protocol=check_major_version(header),
        fingerprints={name: fields.text(fingerprints, name) for name in fingerprints},
        max_message_bytes=fields.integer(header, "max_message_bytes", 1, MAX_FRAME),
        ping_s=fields.number(header, "ping_s", 0.001, 3600.0),
    )


def _read_error(header: fields.Object) -> ErrorReply:
    return ErrorReply(
        ids=fields.integers(header, "ids", 0, MAX_ID, longest=MAX_IN_FLIGHT),
        code=fields.text(header, "code"),
        message=fields.line(header, "message"),
    )


def _read_pong(header: fields.Object) -> Pong:
    known = {name: fields.integer(header, name, 0, MAX_FRAME) for name in ("frame", "memory_bytes") if name in header}
    return Pong(id=fields.integer(header, "id", 0, MAX_ID), **known)


def _capabilities(data: fields.Object) -> Capabilities:
    """Encodings and scene fields that this version does not know are left out."""
    ours = Capabilities()
    smallest = fields.integer(data, "minimum_px", 1, MAXIMUM_RESOLUTION, default=ours.minimum_px)
    batch = fields.integer(data, "max_batch", 1, MAX_BATCH, default=ours.max_batch)
    encodings = fields.texts(data, "encodings", longest=100, default=list(ours.encodings))
    known = tuple(encoding for encoding in ENCODINGS if encoding in encodings)
    if not known:
        raise ProtocolError(f"encodings: none of {list(ENCODINGS)} among {list(encodings)}")
    return Capabilities(
        minimum_px=max(smallest, MINIMUM_RESOLUTION),
        maximum_px=fields.integer(data, "maximum_px", smallest, MAXIMUM_RESOLUTION, default=ours.maximum_px),
        max_batch=batch,
        max_in_flight=fields.integer(data, "max_in_flight", batch, MAX_IN_FLIGHT, default=ours.max_in_flight),
        encodings=known,
        stamp=fields.boolean(data, "stamp", default=ours.stamp),
        read_back_tolerance=fields.number(data, "read_back_tolerance", 0.0, 0.05, default=ours.read_back_tolerance),
        scene=frozenset(fields.texts(data, "scene", longest=1000, default=[])) & ENGINE_SCENE_FIELDS,
        longest_frame_s=fields.number(data, "longest_frame_s", 0.001, 3600.0, default=ours.longest_frame_s),
    )


def _name(header: fields.Object, member: str) -> str:
    name = fields.text(header, member)
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", name):
        raise ProtocolError(f"{member}: expected [a-z0-9_-]{{1,40}}, got {fields.one_line(name, 60)!r}")
    return name


def _ascii(header: fields.Object, member: str) -> str:
    value = fields.text(header, member, longest=100)
    if not value or not value.isascii():
        raise ProtocolError(f"{member}: expected 1 to 100 printable ASCII characters, got {value!r}")
    return value


_TYPES: Final[Mapping[type, str]] = {
    Welcome: "welcome",
    Refusal: "refusal",
    ErrorReply: "error",
    Ping: "ping",
    Goodbye: "goodbye",
}
_TEXT_READERS: Final[Mapping[str, Callable[[fields.Object], Message]]] = {
    "hello": _read_hello,
    "welcome": _read_welcome,
    "refusal": lambda data: Refusal(code=fields.text(data, "code"), message=fields.line(data, "message")),
    "error": _read_error,
    "ping": lambda data: Ping(id=fields.integer(data, "id", 0, MAX_ID)),
    "pong": _read_pong,
    "goodbye": lambda data: Goodbye(
        reason=fields.line(data, "reason"), again=fields.boolean(data, "again", default=True)
    ),
}
_BINARY_READERS: Final[Mapping[str, Callable[[fields.Object, memoryview], Message]]] = {
    "render": _read_render,
    "frame": _read_frame,
}
