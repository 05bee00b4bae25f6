"""The example session of docs/protocol.md byte for byte: ``python -m engine_bridge.remote.wire.example_session``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from engine_bridge.remote.wire.messages import (
    Capabilities,
    ErrorReply,
    FrameReply,
    Goodbye,
    Hello,
    Message,
    Ping,
    Pong,
    RenderOrder,
    Welcome,
)
from engine_bridge.remote.wire.pictures import encode_pictures
from engine_bridge.remote.wire.protocol import encode
from engine_bridge.remote.wire.stamps import Stamp, paint_stamp
from engine_bridge.schema import ContinuousParameter, DiscreteParameter, ParameterSchema

SIDE: Final = 16
ELF: Final = ParameterSchema(
    character="elf",
    title="Elf",
    head="adult_female",
    continuous=(
        ContinuousParameter(
            name="nose_tip.ty",
            group="nose_tip",
            bone="nose_tip",
            controller="ty",
            minimum=-4.0,
            maximum=4.0,
            default=0.0,
        ),
    ),
    discrete=(DiscreteParameter(name="hairstyle", group="hair", choices=("bob", "bald"), default="bob"),),
)


def example_messages() -> list[tuple[str, Message]]:
    """What is said, by whom, and why; V is 3."""
    return [
        ("Engine: one slider and two haircuts, so V = 3.", _hello()),
        ("Bridge: welcome. The engine need not understand the fingerprint, only repeat it.", _welcome()),
        ("Bridge: the slider at 0.75, bald; a frame with stamp 7.", _order(7, ELF.fingerprint)),
        ("Engine: grey above, skin below, the stamp of request 7 in the corner.", _reply()),
        ("Bridge: an order for a schema that this engine does not have.", _order(8, "0000000000000000")),
        ("Engine:", ErrorReply(ids=(8,), code="stale_schema", message="the fingerprint is not the one of the welcome")),
        ("Bridge:", Ping(id=1)),
        ("Engine:", Pong(id=1, frame=1, memory_bytes=104857600)),
        ("Bridge: the run is over; the engine exits.", Goodbye(reason="done", again=False)),
    ]


def example_markdown() -> str:
    """The section of the page, from its first explanation to its last code block."""
    return "\n".join(_blocks())


def hex_dump(data: bytes) -> str:
    """As ``hexdump -C`` prints: offset, 16 bytes, what is ASCII; ``*`` for lines equal to the one before."""
    lines, before = [], None
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        if row != before:
            lines.append(_dump_row(offset, row))
        elif lines[-1] != "*":
            lines.append("*")
        before = row
    return "\n".join([*lines, f"{len(data):08x}"])


def _blocks() -> Iterator[str]:
    for words, message in example_messages():
        data = encode(message)
        if isinstance(data, str):
            yield f"{words}\n\n```json\n{data}\n```\n"
        else:
            yield f"{words} {len(data)} bytes:\n\n```text\n{hex_dump(data)}\n```\n"


def _dump_row(offset: int, row: bytes) -> str:
    left, right = row[:8].hex(" "), row[8:].hex(" ")
    characters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{offset:08x}  {left:<23}  {right:<23}  |{characters}|"


def _hello() -> Hello:
    return Hello(
        token="example-token-0123456789",
        engine="elf_engine",
        build="elf_engine 1.0",
        instance="elf-1",
        schemas=(ELF,),
        capabilities=Capabilities(maximum_px=64, max_batch=1, max_in_flight=2, stamp=True),
    )


def _welcome() -> Welcome:
    return Welcome(fingerprints={"elf": ELF.fingerprint}, max_message_bytes=147795, ping_s=5.0)


def _order(request_id: int, fingerprint: str) -> RenderOrder:
    return RenderOrder(
        character="elf",
        fingerprint=fingerprint,
        resolution=SIDE,
        stamp=True,
        deadline_ms=30000,
        ids=(request_id,),
        vectors=np.array([[0.75, 0.0, 1.0]], np.float32),
    )


def _reply() -> FrameReply:
    picture, mask = np.full((SIDE, SIDE, 3), 70, np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    picture[SIDE // 2 :], mask[SIDE // 2 :] = 180, 1
    paint_stamp(picture, mask, Stamp(7))
    encoded = encode_pictures(picture, mask, "raw")
    return FrameReply(
        id=7,
        frame=1,
        width=SIDE,
        height=SIDE,
        vector=np.array([0.75, 0.0, 1.0], np.float32),
        picture=encoded.picture,
        mask=encoded.mask,
        timings_ms={"apply": 0.1, "render": 2.5, "encode": 0.2},
    )


if __name__ == "__main__":
    print(example_markdown())
