"""Real engines as processes, installed by the session where it may, and shared by the tests that need them.

And a bridge of bare messages to talk to one of them: nothing but the specification is in it.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from engine_bridge.remote.pool.pool import EnginePool, PoolConfig
from engine_bridge.remote.processes.adapters import load_adapter

INFRA = Path(__file__).parents[3] / "infra"
#: Engines that must be there: a test of one of them fails where it would be skipped elsewhere.
REQUIRED = frozenset(filter(None, os.environ.get("F2P_REQUIRE_ENGINES", "").split(",")))


@pytest.fixture(scope="session")
def engine_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``engine_folder(adapter)``: where it is prepared, once; the test is skipped where the engine cannot be had."""
    folders: dict[str, Path] = {}

    def call(name: str) -> Path:
        skip_without(name, missing(name))
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
        return folders[name]

    return call


@pytest.fixture(scope="session")
def open_pool(engine_folder: Callable[[str], Path]) -> Iterator[Callable[..., EnginePool]]:
    """``open_pool(adapter, option=choice)``: a pool of one instance, started once."""
    pools: dict[tuple[str, ...], EnginePool] = {}

    def call(name: str, **options: str) -> EnginePool:
        folder, key = engine_folder(name), (name, *options.values())
        if key not in pools:
            pools[key] = EnginePool(
                load_adapter(name),
                options=options,
                config=PoolConfig(),
                work_root=folder / "work",
                log_folder=folder / "logs",
            )
        return pools[key]

    yield call
    for pool in pools.values():
        pool.close()


def skip_without(name: str, reason: str | None) -> None:
    """Skip the test that needs an engine that is not here, or fail it where the engine must be."""
    if reason and name in REQUIRED:
        pytest.fail(f"F2P_REQUIRE_ENGINES names {name}, which is not here: {reason}")
    if reason:
        pytest.skip(reason)


def missing(name: str) -> str | None:
    """Why an engine cannot be started here, after trying what this session may do about it."""
    if name == "godot4" and (prefix := os.environ.get("F2P_GODOT4_PREFIX")):
        os.environ["PATH"] = f"{prefix}{os.pathsep}{os.environ['PATH']}"
    lacking = load_adapter(name).missing()
    if lacking and name == "godot3" and os.geteuid() == 0 and shutil.which("apt-get"):
        install = subprocess.run(["bash", INFRA / "install_godot3.sh"], capture_output=True, text=True, check=False)
        lacking = load_adapter(name).missing() if install.returncode == 0 else [*lacking, install.stderr[-300:]]
    return "; ".join(lacking) or None


#: Of every schema, as the bare bridge tells it: an engine only repeats it.
FINGERPRINT = "0123456789abcdef"


@dataclass
class Session:
    """One session with an engine, message by message, after the handshake."""

    socket: ServerConnection
    hello: dict[str, Any]

    @property
    def vector(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """A valid vector of the engine's character."""
        schema = self.hello["schemas"][0]
        sliders = np.full(len(schema["continuous"]), 0.5)
        blocks = [np.eye(len(block["choices"]))[0] for block in schema["discrete"]]
        return np.concatenate([sliders, *blocks]).astype(np.float32)

    def send(self, **members: Any) -> None:
        self.socket.send(json.dumps(members))

    def send_binary(self, members: dict[str, Any], payload: bytes = b"") -> None:
        header = json.dumps(members).encode()
        self.socket.send(struct.pack("<I", len(header)) + header + payload)

    def order(self, ids: Sequence[int], payload: bytes | None = None, **changes: Any) -> None:
        """A valid ``render``, but for the changes."""
        header = {
            "type": "render",
            "character": self.hello["schemas"][0]["character"],
            "fingerprint": FINGERPRINT,
            "resolution": 32,
            "encoding": "raw",
            "stamp": False,
            "deadline_ms": 60000,
            "ids": list(ids),
        }
        self.send_binary(header | changes, self.vector.tobytes() * len(ids) if payload is None else payload)

    def receive(self) -> dict[str, Any]:
        """The next message's object; a frame's payload is not looked at."""
        data = self.socket.recv(timeout=15)
        if isinstance(data, bytes):
            data = data[4 : 4 + struct.unpack_from("<I", data)[0]].decode()
        message = json.loads(data)
        assert isinstance(message, dict)
        return message


class BareBridge:
    """Listens, and lets a test speak and hear every single message. Nothing of the real bridge is in it."""

    def __init__(self) -> None:
        self._sockets: queue.Queue[ServerConnection] = queue.Queue()
        self._done = threading.Event()
        self._server = serve(
            self._keep,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("f2p.engine.v1")],
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/"

    def meet(self) -> Session:
        """The next engine that dials in, once it has said hello."""
        socket = self._sockets.get(timeout=20)
        return Session(socket=socket, hello=json.loads(socket.recv(timeout=15)))

    def session(self, ping_s: float = 30.0) -> Session:
        """The next engine that dials in, made welcome."""
        session = self.meet()
        session.send(
            type="welcome",
            protocol=[1, 0],
            fingerprints={schema["character"]: FINGERPRINT for schema in session.hello["schemas"]},
            max_message_bytes=2**24,
            ping_s=ping_s,
        )
        return session

    def close(self) -> None:
        self._done.set()
        self._server.shutdown()

    def _keep(self, socket: ServerConnection) -> None:
        self._sockets.put(socket)
        self._done.wait()


@pytest.fixture
def bare_bridge() -> Iterator[BareBridge]:
    bridge = BareBridge()
    yield bridge
    bridge.close()
