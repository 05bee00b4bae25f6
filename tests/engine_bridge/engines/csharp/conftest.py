"""The C# library and its reference engine, compiled with Mono once, and sessions with it, message by message."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def session(bare_bridge: Any, start: Callable[..., subprocess.Popen[str]]) -> Any:
    """A session with a fresh reference engine."""
    start(bare_bridge.url)
    return bare_bridge.session()
