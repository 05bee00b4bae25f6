"""For all tests: what takes long to make and is always the same is made once, for all processes, and kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from urllib.request import urlopen

import pytest

from flows.settings import kernels_version

CACHE = Path(__file__).parents[1] / ".pytest_cache"

# The mock engine's kernels. Numba reads the variable when it is imported, so it must be set before any test is.
os.environ.setdefault("NUMBA_CACHE_DIR", str(CACHE / f"numba-{kernels_version()}"))

# A shell starts background jobs deaf to Ctrl-C, and so would be everything that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def migrated() -> Callable[[Path], Path]:
    """``migrated(home)``: the home with the orchestrator's empty database; to make one takes longer than most tests."""
    template = CACHE / f"prefect-{version('prefect')}"
    CACHE.mkdir(exist_ok=True)

    def call(home: Path) -> Path:
        if not template.exists():
            _make_database(template)
        if not (home / "prefect").exists():
            shutil.copytree(template, home / "prefect")
        return home

    return call


def _make_database(template: Path) -> None:
    """By Prefect's own server, started once."""
    unfinished = Path(tempfile.mkdtemp(dir=CACHE))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "flows.orchestrator", str(port)],
        env={**os.environ, "PREFECT_HOME": str(unfinished), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdin=subprocess.PIPE,
    )
    while server.poll() is None:
        with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
            break
        time.sleep(0.1)
    server.terminate()
    server.communicate()
    with contextlib.suppress(OSError):  # another session was first
        unfinished.rename(template)
