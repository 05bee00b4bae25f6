"""Fixtures of the flows' tests: a home of one's own, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.settings import Settings

F2p = Callable[..., "subprocess.CompletedProcess[str]"]


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
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled kernels of the mock engine, made once: compiling them takes longer than any test."""
    folder = tmp_path_factory.mktemp("numba")
    command = [sys.executable, "-m", "flows.cli", "doctor", "--home", str(folder / "home")]
    subprocess.run(command, env={**os.environ, "NUMBA_CACHE_DIR": str(folder)}, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def environment(kernels: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For child processes: an empty user home, and one thread each because the networks are tiny."""
    user_home = tmp_path_factory.mktemp("user")
    return {**os.environ, "HOME": str(user_home), "NUMBA_CACHE_DIR": str(kernels), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def f2p(environment: dict[str, str]) -> F2p:
    """``f2p(*arguments, home=...)`` in a process of its own."""

    def call(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows.cli", *map(str, arguments), "--home", str(home)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)

    return call
