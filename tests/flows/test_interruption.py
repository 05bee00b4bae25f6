"""Runs that are killed, stopped by signals or cancelled in Prefect: nobody is left behind, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

#: So much that a busy machine cannot finish it between the first shard and the signal.
NUM_SHARDS = 40
ORDER = ("--character", "tiny", "--count", str(5 * NUM_SHARDS), "--shard-size", "5", "--resolution", "128")
#: Each with two processes that render.
ENGINES = {"mock": ("--workers", "2"), "mock_remote": ("--engine", "mock_remote", "--instances", "2")}
PATIENCE_S = 120.0
#: Serves a rendering flow and runs it once, as a process that Prefect starts and kills: ``python RUNNER HOME OUT``.
RUNNER = Path(__file__).with_name("prefect_runner.py")


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The options that order it."""
    return ENGINES[request.param]


@contextmanager
def rendering(
    environment: dict[str, str], engine: tuple[str, ...], home: Path, out: Path
) -> Iterator[subprocess.Popen[str]]:
    """``f2p render`` in a process group of its own, as a terminal would start it."""
    command = [sys.executable, "-m", "flows.cli", "render", *ORDER, *engine, "--home", str(home), "--out", str(out)]
    process = subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_a_shard(out: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if list(out.glob("shard-*.parquet")):
            return
        time.sleep(0.02)
    raise AssertionError("no shard appeared")


def running(home: Path) -> list[int]:
    """Processes that belong to this home: its path is in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if f"F2P_HOME={home}".encode() in environment.split(b"\0"):
            found.append(int(entry.name))
    return found


def wait_until_gone(home: Path) -> None:
    deadline = time.monotonic() + 20.0
    while running(home) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(home) == []


def dataset(out: Path) -> dict[str, object]:
    """All that a dataset consists of; what happened to the engine meanwhile is no part of it."""
    files: dict[str, object] = {
        path.name: path.read_bytes() for path in out.iterdir() if path.suffix in {".tar", ".parquet"}
    }
    manifest = json.loads((out / "manifest.json").read_text())
    manifest.pop("rendering", None)
    return files | {"manifest.json": manifest}


@pytest.fixture
def home(migrated: Callable[[Path], Path], tmp_path: Path) -> Path:
    return migrated(tmp_path / "home")


@pytest.fixture(scope="module")
def undisturbed(
    environment: dict[str, str],
    engine: tuple[str, ...],
    migrated: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("undisturbed")
    with rendering(environment, engine, migrated(folder / "home"), folder / "out") as process:
        assert process.wait(PATIENCE_S) == 0
    return dataset(folder / "out")


def test_a_killed_run_is_finished_by_the_next_with_the_same_bytes(
    undisturbed: dict[str, object], environment: dict[str, str], engine: tuple[str, ...], home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with rendering(environment, engine, home, out) as process:
        wait_for_a_shard(out)
        process.kill()
        process.wait()
    wait_until_gone(home)
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tar")}
    assert not (out / "manifest.json").exists()

    with rendering(environment, engine, home, out) as process:
        assert process.wait(PATIENCE_S) == 0
    assert dataset(out) == undisturbed
    assert all((out / name).stat().st_mtime_ns == written for name, written in kept.items())


def test_ctrl_c_ends_at_once_with_status_130_and_leaves_nobody_behind(
    environment: dict[str, str], engine: tuple[str, ...], home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with rendering(environment, engine, home, out) as process:
        wait_for_a_shard(out)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "f2p: interrupted; run the same command again to continue"
    assert "Traceback" not in errors
    wait_until_gone(home)
    [record] = (home / "runs").glob("*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"


def test_a_terminated_run_leaves_nobody_behind(
    environment: dict[str, str], engine: tuple[str, ...], home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with rendering(environment, engine, home, out) as process:
        wait_for_a_shard(out)
        process.terminate()
        process.wait(PATIENCE_S)
    wait_until_gone(home)


@dataclass(frozen=True)
class PrefectServer:
    """A Prefect server that is the user's: it stays when runs end. ``environment`` is of those who use it."""

    url: str
    environment: dict[str, str]

    def ask(self, path: str, **body: Any) -> Any:
        order = Request(f"{self.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(order, timeout=20) as answer:
            return json.load(answer)

    def runs(self) -> list[dict[str, Any]]:
        """All flow runs, the latest first."""
        found: list[dict[str, Any]] = self.ask("flow_runs/filter", sort="START_TIME_DESC")
        return found

    def cancel(self, run: dict[str, Any]) -> None:
        """What ``prefect flow-run cancel`` and the button in Prefect's page do."""
        answer = self.ask(f"flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"})
        assert answer["status"] == "ACCEPT"

    def wait_until_cancelled(self, run: dict[str, Any]) -> None:
        deadline = time.monotonic() + 30.0
        while (state := self._state(run)) != "CANCELLED":
            assert time.monotonic() < deadline, state
            time.sleep(0.1)

    def _state(self, run: dict[str, Any]) -> str:
        with urlopen(f"{self.url}/flow_runs/{run['id']}", timeout=20) as answer:
            return str(json.load(answer)["state_type"])


@pytest.fixture(scope="module")
def prefect_server(
    environment: dict[str, str], migrated: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrefectServer]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "flows.orchestrator", str(port)],
        env={
            **environment,
            "PREFECT_HOME": str(migrated(tmp_path_factory.mktemp("server")) / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/api"
    found = PrefectServer(url, {**environment, "PREFECT_API_URL": url})
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            urlopen(f"{found.url}/health", timeout=5).close()
            break
        except OSError:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield found
    server.kill()
    server.communicate()


@pytest.mark.parametrize("engine", ["mock_remote"], indirect=True)
def test_a_run_that_is_cancelled_in_prefect_stops_and_is_finished_by_the_next_with_the_same_bytes(
    undisturbed: dict[str, object],
    prefect_server: PrefectServer,
    engine: tuple[str, ...],
    home: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    with rendering(prefect_server.environment, engine, home, out) as process:
        wait_for_a_shard(out)
        [run, *_] = prefect_server.runs()
        prefect_server.cancel(run)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert "cancelled in Prefect" in errors
    assert "Traceback" not in errors
    wait_until_gone(home)
    prefect_server.wait_until_cancelled(run)
    [record] = (home / "runs").glob("*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"
    assert not (out / "manifest.json").exists()

    with rendering(prefect_server.environment, engine, home, out) as process:
        assert process.wait(PATIENCE_S) == 0
    assert dataset(out) == undisturbed


def test_a_run_of_prefects_own_runner_leaves_nobody_behind_when_it_is_cancelled(
    prefect_server: PrefectServer, home: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, str(RUNNER), str(home), str(out)]
    runner = subprocess.Popen(
        command,
        env={**prefect_server.environment, "F2P_HOME": str(home), "PREFECT_HOME": str(tmp_path / "studio")},
        start_new_session=True,
    )
    try:
        wait_for_a_shard(out)
        [run] = [run for run in prefect_server.runs() if run["deployment_id"]]
        prefect_server.cancel(run)
        prefect_server.wait_until_cancelled(run)
        assert runner.wait(PATIENCE_S) == 0
    finally:
        runner.kill()
        runner.wait()
    wait_until_gone(home)
    [record] = (home / "runs").glob("*/run.json")
    assert json.loads(record.read_text())["status"] == "interrupted"
