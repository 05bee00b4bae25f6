"""Fixtures of the flows' tests: a home of one's own, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_bridge.mock import MockEngine
from flows.engines import studio_renderer
from flows.settings import Settings

F2p = Callable[..., "subprocess.CompletedProcess[str]"]
#: Verbs that need Prefect's server.
ORCHESTRATED = ("run", "render", "train", "publish", "evaluate")


@pytest.fixture(autouse=True)
def _same_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line sets variables for the libraries it starts; no other test is to see them."""
    monkeypatch.delenv("F2P_HOME", raising=False)
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For child processes: an empty user home, compiled kernels, and one thread each because the networks are tiny."""
    _compile_kernels()
    return {**os.environ, "HOME": str(tmp_path_factory.mktemp("user")), "OMP_NUM_THREADS": "1"}


def _compile_kernels() -> None:
    """Into the cache that all tests share: compiling them takes longer than any test may."""
    engine = MockEngine()
    studio_renderer(engine, "tiny", 64)([engine.describe("tiny").default_vector()])


@pytest.fixture(scope="session")
def f2p(environment: dict[str, str], migrated: Callable[[Path], Path]) -> F2p:
    """``f2p(*arguments, home=...)`` in a process of its own."""

    def call(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        if arguments[0] in ORCHESTRATED:
            migrated(home)
        command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--home", str(home)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)

    return call
