"""Runs that are killed, and runs that are asked to stop: nobody is left behind, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: So much that a busy machine cannot finish it between the first shard and the signal.
NUM_SHARDS = 40
ORDER = ("--character", "tiny", "--count", str(5 * NUM_SHARDS), "--shard-size", "5", "--resolution", "128")
#: Each with two processes that render.
ENGINES = {"mock": ("--workers", "2"), "mock_remote": ("--engine", "mock_remote", "--instances", "2")}
PATIENCE_S = 120.0


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


@pytest.fixture(scope="module")
def undisturbed(
    environment: dict[str, str], engine: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("undisturbed")
    with rendering(environment, engine, folder / "home", folder / "out") as process:
        assert process.wait(PATIENCE_S) == 0
    return dataset(folder / "out")


def test_a_killed_run_is_finished_by_the_next_with_the_same_bytes(
    undisturbed: dict[str, object], environment: dict[str, str], engine: tuple[str, ...], tmp_path: Path
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
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
    environment: dict[str, str], engine: tuple[str, ...], tmp_path: Path
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
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
    environment: dict[str, str], engine: tuple[str, ...], tmp_path: Path
) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    with rendering(environment, engine, home, out) as process:
        wait_for_a_shard(out)
        process.terminate()
        process.wait(PATIENCE_S)
    wait_until_gone(home)
