"""The C# library and its reference engine, compiled with Mono once, and a bridge of bare messages to talk to it."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
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

from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine

TOKEN = "a-token-for-the-tests-of-csharp"
FOLDER = Path(__file__).parents[4] / "engine_bridge" / "engines" / "csharp"


@pytest.fixture(scope="session")
def mono() -> None:
    """Mono and its compiler, from Debian where the session may install them."""
    if shutil.which("mcs") and shutil.which("mono"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        skip_without("Mono is not installed and cannot be: apt-get install mono-mcs mono-runtime")
    install = ["apt-get", "install", "-y", "--no-install-recommends", "mono-mcs", "mono-runtime"]
    subprocess.run(["apt-get", "update"], capture_output=True, check=False, timeout=120)
    if subprocess.run(install, capture_output=True, check=False, timeout=280).returncode:
        skip_without("Mono is not installed and apt-get could not fetch it: apt-get install mono-mcs mono-runtime")


def skip_without(reason: str) -> None:
    """Skip the tests of this folder, or fail them where the engine must be here."""
    if "csharp" in os.environ.get("F2P_REQUIRE_ENGINES", "").split(","):
        pytest.fail(f"F2P_REQUIRE_ENGINES names csharp, which is not here: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def program(mono: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sketch.exe, compiled by the adapter's own script, which takes every warning for an error."""
    work = tmp_path_factory.mktemp("sketch")
    built = subprocess.run(["sh", FOLDER / "build.sh", work], capture_output=True, text=True, check=False, timeout=120)
    assert built.returncode == 0, built.stdout + built.stderr
    return work / "sketch.exe"


@pytest.fixture
def start(program: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``start(url, instance, token, terminal)``: the reference engine as a process; none outlives its test."""
    started: list[subprocess.Popen[str]] = []

    def call(
        url: str, instance: str = "one", token: str = TOKEN, terminal: int | None = None, **more: str
    ) -> subprocess.Popen[str]:
        words = {"F2P_BRIDGE_URL": url, "F2P_BRIDGE_TOKEN": token, "F2P_ENGINE_INSTANCE": instance}
        environment = {**os.environ, "HOME": str(tmp_path), **words, **more}
        process = subprocess.Popen(
            ["mono", program], env=environment, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)


@pytest.fixture(scope="module")
def sketch(program: Path) -> Iterator[RemoteEngine]:
    """The reference engine behind the real bridge, one process for all tests of a file."""
    with EngineHub(token=TOKEN) as hub:
        environment = {**os.environ, "F2P_BRIDGE_URL": hub.url, "F2P_BRIDGE_TOKEN": TOKEN, "F2P_ENGINE_INSTANCE": "one"}
        process = subprocess.Popen(["mono", program], env=environment)
        try:
            yield hub.accept("one", timeout_s=30)
        finally:
            hub.close()
            process.kill()
            process.wait(timeout=10)


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
            "character": "sketch_face",
            "fingerprint": "0123456789abcdef",
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
            fingerprints={"sketch_face": "0123456789abcdef"},
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


@pytest.fixture
def session(bare_bridge: BareBridge, start: Callable[..., subprocess.Popen[str]]) -> Session:
    """A session with a fresh reference engine."""
    start(bare_bridge.url)
    return bare_bridge.session()
