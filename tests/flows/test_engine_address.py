"""Engines that dial in: whoever started them, they render as if they were ours."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine_bridge.frames import RenderRequest
from engine_bridge.mock import MockEngine
from f2p_datasets.manifest import verify_dataset
from f2p_datasets.samplers import build_sampler
from f2p_datasets.shards import read_shard

ORDER = ("--character", "tiny", "--count", "20", "--shard-size", "5", "--resolution", "64")
TOKEN = "only those who know it may draw"
PATIENCE_S = 200.0


@pytest.fixture
def address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"ws://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def home(migrated: Callable[[Path], Path], tmp_path: Path) -> Path:
    return migrated(tmp_path / "home")


@contextmanager
def f2p(environment: dict[str, str], home: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command that runs while the block does."""
    command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--home", str(home)]
    process = subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_engines_that_dial_in_render_a_dataset(
    environment: dict[str, str], address: str, home: Path, tmp_path: Path
) -> None:
    environment = {**environment, "F2P_BRIDGE_TOKEN": TOKEN}
    serve = ("engine", "serve-mock", "--url", address, "--instance")
    out = tmp_path / "out"
    with (
        f2p(environment, tmp_path / "one", *serve, "one"),
        f2p(environment, tmp_path / "two", *serve, "two"),
        f2p(environment, home, "render", *ORDER, "--engine", address, "--out", out, "--json") as rendering,
    ):
        shown, errors = rendering.communicate(timeout=PATIENCE_S)
    assert rendering.returncode == 0, errors
    assert json.loads(shown)["figures"]["pairs"] == 20
    assert f"waiting for engines to dial {address}" in errors
    assert TOKEN not in errors
    check_pairs(out)


def check_pairs(out: Path) -> None:
    """The mock in this process draws the same."""
    manifest, engine = verify_dataset(out), MockEngine()
    assert manifest.rendering is not None
    assert (manifest.rendering["engine"], manifest.rendering["canary_failures"]) == ("mock_remote", 0)
    pairs = [pair for shard in manifest.shards for pair in read_shard(out / shard.name)]
    sampler = build_sampler("uniform", engine.describe("tiny"), 0)
    requests = [
        RenderRequest(request_id=index, character="tiny", vector=sampler.vector(index), resolution=64)
        for index in range(20)
    ]
    for pair, frame in zip(pairs, engine.render(requests), strict=True):
        np.testing.assert_array_equal(pair.picture, frame.picture)
        np.testing.assert_array_equal(np.asarray(pair.mask), frame.mask)


def test_an_engine_that_does_not_know_the_secret_is_turned_away_with_status_3(
    environment: dict[str, str], address: str, home: Path, tmp_path: Path
) -> None:
    waiting = {**environment, "F2P_BRIDGE_TOKEN": TOKEN}
    stranger = {**environment, "F2P_BRIDGE_TOKEN": "a guess, but a rather long one"}
    with (
        f2p(waiting, home, "render", *ORDER, "--engine", address),
        f2p(stranger, tmp_path / "one", "engine", "serve-mock", "--url", address) as dialling,
    ):
        _, errors = dialling.communicate(timeout=PATIENCE_S)
    assert dialling.returncode == 3
    assert "bad_token" in errors


def test_a_secret_is_made_and_told_when_none_was_given(environment: dict[str, str], address: str, home: Path) -> None:
    without = {name: value for name, value in environment.items() if name != "F2P_BRIDGE_TOKEN"}
    with f2p(without, home, "render", *ORDER, "--engine", address) as rendering:
        assert rendering.stderr is not None
        told = rendering.stderr.readline()
    assert told.startswith(f"f2p: waiting for engines to dial {address} with F2P_BRIDGE_TOKEN=")
    assert len(told.strip().rpartition("=")[2]) >= 24
