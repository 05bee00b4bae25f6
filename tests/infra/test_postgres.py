"""What ``infra/compose.yaml`` starts, without containers: server and registry on PostgreSQL, and a worker.

A database server of our own is started by a user who is not root, on a port of this machine.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psycopg
import pytest

from engine_bridge.errors import InputError
from engine_bridge.mock import MockEngine
from f2p_models.registry_index import RegistryIndex
from flows.engines.orders import studio_renderer
from flows.settings import Settings, registry_database

INSTALLER = Path(__file__).parents[2] / "infra" / "install_postgresql.sh"
PATIENCE_S = 240.0


@dataclass(frozen=True)
class Postgres:
    """A running database server. ``port`` is on this machine."""

    port: int

    def url(self, driver: str, database: str) -> str:
        return f"postgresql+{driver}://f2p@127.0.0.1:{self.port}/{database}"

    def ask(self, database: str, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(f"postgresql://f2p@127.0.0.1:{self.port}/{database}", autocommit=True) as connection:
            found = connection.execute(query.encode())
            return found.fetchall() if found.description else []


def binaries() -> Path:
    """The folder of PostgreSQL's programs, which are installed where that may be done; skips the test elsewhere."""
    if not (found := _installed()) and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["bash", INSTALLER], check=False, capture_output=True, timeout=280)
        found = _installed()
    if not found:
        pytest.skip(f"PostgreSQL's server is not here; as root: bash infra/{INSTALLER.name}")
    return found


def _installed() -> Path | None:
    places = [Path(found).resolve().parent] if (found := shutil.which("initdb")) else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").is_file()), None)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    programs = binaries()
    # Not below pytest's own folder, which only root may enter.
    folder = Path("/tmp") / f"f2p-postgres-{os.getpid()}"
    folder.mkdir()
    not_root: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to be run by root
        shutil.chown(folder, "postgres", "postgres")
        not_root = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data = folder / "data"
    make = [programs / "initdb", "-D", data, "-U", "f2p", "--auth=trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(make, check=True, capture_output=True, cwd="/", timeout=120, **not_root)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", "", "-c", "fsync=off"]
    with (folder.with_suffix(".log")).open("wb") as log:
        server = subprocess.Popen([programs / "postgres", "-D", data, *options], cwd="/", stderr=log, **not_root)
    try:
        yield _with_databases(Postgres(port), server)
    finally:
        server.send_signal(signal.SIGINT)  # does not wait for clients to leave
        server.wait(60)
        shutil.rmtree(folder)
        folder.with_suffix(".log").unlink()


def _with_databases(server: Postgres, process: subprocess.Popen[bytes]) -> Postgres:
    """Those that ``infra/docker/databases.sql`` makes."""
    deadline = time.monotonic() + 60
    while True:
        try:
            server.ask("postgres", "SELECT 1")
            break
        except psycopg.OperationalError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    script = (INSTALLER.parent / "docker" / "databases.sql").read_text()
    for line in script.splitlines():
        if line.startswith("CREATE"):
            server.ask("postgres", line)
    return server


def test_the_registrys_index_is_the_same_on_postgresql(postgres: Postgres):
    postgres.ask("postgres", "CREATE DATABASE alone")
    index = RegistryIndex(postgres.url("psycopg", "alone"))
    assert index.characters() == []
    for number in (1, 2):
        index.add("tiny", number, f"tiny/{number}", {"score": "0.5"})
    index.set_champions("tiny", [1, 2])
    index.set_tag("tiny", 2, "reason", "not worse")
    again = RegistryIndex(postgres.url("psycopg", "alone"))
    assert (again.characters(), again.champions("tiny")) == (["tiny"], [1, 2])
    assert [row.tags for row in again.rows("tiny")] == [{"score": "0.5"}, {"score": "0.5", "reason": "not worse"}]


@pytest.mark.parametrize("address", ["sqlite:///registry.db", "registry", "mysql://root:secret@host/registry"])
def test_another_address_is_refused_without_telling_it(address: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("F2P_REGISTRY_DATABASE", address)
    with pytest.raises(InputError, match=r"give postgresql\+psycopg://USER:PASSWORD@HOST/NAME") as refused:
        registry_database()
    assert "secret" not in str(refused.value)


def test_server_worker_and_registry_build_a_character_on_postgresql(postgres: Postgres, tmp_path: Path):
    """A character is ordered in Prefect, built by the worker and published, and no SQLite file holds any of it."""
    engine = MockEngine()
    studio_renderer(engine, "tiny", 64)([engine.describe("tiny").default_vector()])  # compiles what the worker loads
    home = tmp_path / "home"
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.url("asyncpg", "prefect"),
        "F2P_REGISTRY_DATABASE": postgres.url("psycopg", "registry"),
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "flows.cli", "serve", "--port", str(port), "--json", "--home", str(home)]
    with (tmp_path / "log").open("w") as log:
        service = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert service.stdout
        told = service.stdout.readline()
        assert told, (tmp_path / "log").read_text()
        assert _build(json.loads(told)["api"]) == "Completed", (tmp_path / "log").read_text()
    finally:
        service.terminate()
        service.communicate()
    assert postgres.ask("prefect", "SELECT name FROM flow_run WHERE state_type = 'COMPLETED'") == [("tiny-smoke",)]
    assert postgres.ask("registry", "SELECT name, version FROM model_versions") == [("tiny", 1)]
    assert (Settings(home=home).registry / "tiny" / "1").is_dir()
    assert list(home.rglob("*.db")) == []


def _build(api: str) -> str:
    """Order the smallest build; returns the name of its final state."""

    def ask(path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body else None
        with urlopen(Request(f"{api}/{path}", data, {"Content-Type": "application/json"})) as answer:
            return json.load(answer)

    deployment = ask("deployments/name/build-character/build-character")["id"]
    order = {"parameters": {"character": "tiny", "recipe": "smoke", "count": 15}}
    run = ask(f"deployments/{deployment}/create_flow_run", order)["id"]
    deadline = time.monotonic() + PATIENCE_S
    while (state := ask(f"flow_runs/{run}")["state"])["type"] not in {"COMPLETED", "FAILED", "CRASHED"}:
        assert time.monotonic() < deadline, state
        time.sleep(0.5)
    return str(state["name"])
