"""A Prefect server of our own for the time of one command, when the user names none.

Prefect starts one by itself too, but that one survives a killed parent, dies of the terminal's Ctrl-C before the run
could be closed, and writes its troubles at shutdown to the terminal.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from engine_bridge.errors import EngineError
from f2p_models.index_health import put_aside_when_damaged
from flows.progress import say
from flows.settings import Settings, use_own_prefect_server, use_prefect_server, user_prefect_server

START_DEADLINE_S = 180.0


class OrchestratorError(EngineError):
    """Prefect's server cannot be had. Like an engine's trouble it is not the user's mistake, and nothing is lost."""


def start_orchestrator(settings: Settings) -> None:
    """Have a Prefect server: the user's, or our own until this process ends. Call it before importing Prefect.

    While ours starts, what every flow needs is imported: both take seconds, and there is more than one core.
    Raises OrchestratorError, naming the server's log, when ours does not start.
    """
    if user_prefect_server():
        return
    served = served_address(settings)
    if served:
        use_prefect_server(served)
        return
    renew_damaged_database(settings)
    port = _free_port()
    server = _spawn_server(port, settings.prefect / "server.log")
    atexit.register(_stop, server)
    use_own_prefect_server(f"http://127.0.0.1:{port}/api")
    import_module("flows.stages")
    _wait_until_healthy(server, port, settings.prefect / "server.log")


def renew_damaged_database(settings: Settings) -> bool:
    """Prefect's database is nobody's truth, and a damaged one would stop every run from now on.

    Call it while no server runs on it. Returns whether it was damaged.
    """
    was_damaged = put_aside_when_damaged(server_database(settings))
    if was_damaged:
        say("  [yellow]Prefect's database was damaged and is made anew; its history is lost, artifacts are not[/]")
    return was_damaged


def server_database(settings: Settings) -> Path:
    """Where our own server keeps its state, unless the user has named another database."""
    return settings.prefect / "prefect.db"


def served_note(settings: Settings) -> Path:
    """Where ``f2p serve`` writes down how its server is reached, as long as it serves the home."""
    return settings.prefect / "served.json"


def served_address(settings: Settings) -> str | None:
    """The server of an ``f2p serve`` on this home that answers. Two servers on one database would lock each other out.

    The note of one that was killed stays behind, and its port may by now be another home's.
    """
    try:
        note = json.loads(served_note(settings).read_text(encoding="utf-8"))
        os.kill(note["pid"], 0)
        with urlopen(f"{note['api']}/health", timeout=5):
            return str(note["api"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _spawn_server(port: int, log: Path) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C leaves it alone; it ends when its standard input does."""
    command = [sys.executable, "-m", "flows.orchestrator", str(port)]
    with log.open("wb") as stream:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise OrchestratorError(f"Prefect's local server did not start; {log} says why")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _serve(port: int) -> None:
    """The server process itself."""
    import uvicorn
    from prefect.server.api.server import create_app

    threading.Thread(target=_end_with_parent, daemon=True).start()
    uvicorn.run(create_app(ephemeral=True, final=True), host="127.0.0.1", port=port, log_level="error")


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
