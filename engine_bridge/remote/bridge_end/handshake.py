"""The bridge's side of the handshake: is this an engine we want, and on what terms? Pure, no I/O."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine_bridge.errors import ProtocolError
from engine_bridge.remote.wire import fields
from engine_bridge.remote.wire.messages import MAX_HEADER_BYTES, PROTOCOL, Hello, Welcome
from engine_bridge.remote.wire.protocol import check_major_version, decode

PING_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a run was begun with; None and the empty mapping accept anything. Fingerprints are by character type."""

    engine: str | None = None
    build: str | None = None
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def read_hello(text: str, token: str) -> Hello:
    """The engine's introduction. Version and token are looked at before anything else.

    Raises ProtocolError whose code is that of the refusal.
    """
    try:
        header = fields.parse_object(text)
        if header.get("type") != "hello":
            raise ProtocolError("type: the first message must be hello")
        check_major_version(header)
        _check_token(fields.text(header, "token", longest=1000), token)
    except ProtocolError as error:
        code = "bad_hello" if error.code == "bad_message" else error.code
        raise ProtocolError(str(error), code=code) from error
    hello = decode(text)
    assert isinstance(hello, Hello)
    return hello


def check_expectation(hello: Hello, expected: Expectation) -> None:
    """Raises ProtocolError of code ``bad_build`` or ``bad_schema``."""
    for name, wanted, got in (("engine", expected.engine, hello.engine), ("build", expected.build, hello.build)):
        if wanted is not None and got != wanted:
            raise ProtocolError(f"{name}: the run was begun with {wanted}, this is {got}", code="bad_build")
    offered = {schema.character: schema.fingerprint for schema in hello.schemas}
    for character, fingerprint in expected.fingerprints.items():
        if offered.get(character) != fingerprint:
            raise ProtocolError(
                f"schemas: {character} has fingerprint {offered.get(character)}, the run was begun with {fingerprint}",
                code="bad_schema",
            )


def welcome(hello: Hello, ping_s: float = PING_S) -> Welcome:
    """The terms of the session with this engine."""
    return Welcome(
        protocol=min(hello.protocol, PROTOCOL),
        fingerprints={schema.character: schema.fingerprint for schema in hello.schemas},
        max_message_bytes=max_message_bytes(hello),
        ping_s=ping_s,
    )


def max_message_bytes(hello: Hello) -> int:
    """Room for a raw frame of the largest picture; a PNG of noise is a little larger than the noise."""
    largest_frame = 4 * hello.capabilities.maximum_px**2
    longest_vector = 4 * max(schema.vector_size for schema in hello.schemas)
    return 2 * MAX_HEADER_BYTES + longest_vector + largest_frame + largest_frame // 50


def _check_token(offered: str, token: str) -> None:
    if not hmac.compare_digest(offered.encode(), token.encode()):
        raise ProtocolError("token: it is not the one of this bridge; see F2P_BRIDGE_TOKEN", code="bad_token")
