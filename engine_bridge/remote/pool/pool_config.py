"""What a pool is made of: how many engines, how far they are trusted, and where those dial that others start."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import Final

from engine_bridge.errors import InputError
from engine_bridge.remote.bridge_end.hub import TlsFiles

_STAMPS: Final = ("stamps=optional", "stamps=required")


@dataclass(frozen=True, kw_only=True)
class PoolConfig:
    """How many engines, and how far they are trusted.

    instances              engines to start; it says nothing about engines that dial in by themselves
    most_visitors          engines that may dial in by themselves at one time
    gpus                   given to the instances in turn, each sees only its own; () leaves that to the engine
    canary_every           frames between two canaries, beside the one that ends every call
    attempts               a request that was out with so many failing instances fails the call
    max_restarts_per_hour  of all instances together; one more is EngineUnavailableError
    visitor_timeout_s      how long a call waits when no engine is connected
    """

    instances: int = 1
    most_visitors: int = 16
    gpus: tuple[int, ...] = ()
    canary_every: int = 64
    attempts: int = 3
    max_restarts_per_hour: int = 30
    visitor_timeout_s: float = 120.0

    def __post_init__(self) -> None:
        for name in ("instances", "most_visitors", "canary_every", "attempts"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)}; give 1 or more")
        if self.max_restarts_per_hour < 0:
            raise InputError(f"max_restarts_per_hour: {self.max_restarts_per_hour}; give 0 or more")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where engines that somebody else starts dial in: ``ws://127.0.0.1:9310``. Other than loopback needs TLS.

    Engines that do not stamp their frames are turned away if ``needs_stamps``; ``?stamps=optional`` lets them in.
    """

    host: str
    port: int
    token: str
    tls: TlsFiles | None = None
    needs_stamps: bool = True

    @classmethod
    def parse(cls, address: str, token: str, tls: TlsFiles | None = None) -> Endpoint:
        """Raises InputError."""
        try:
            parts = urllib.parse.urlsplit(address)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InputError(f"engine: {address!r} is no address: {error}") from None
        if parts.scheme not in ("ws", "wss") or not host or port is None or parts.path.strip("/"):
            raise InputError(f"engine: {address!r}: an address is written ws://HOST:PORT or wss://HOST:PORT")
        if (parts.scheme == "wss") != (tls is not None):
            raise InputError(f"engine: {address!r}: wss:// and only wss:// needs a certificate and its key")
        if parts.query not in ("", *_STAMPS):
            raise InputError(f"engine: {address!r}: behind the address there may be ?{_STAMPS[0]}, and nothing else")
        return cls(host=host, port=port, token=token, tls=tls, needs_stamps=parts.query != _STAMPS[0])
