from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_bridge.remote.processes.process_tree import cpu_seconds, descendants, marked, resident_bytes

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux' /proc")

NAMELESS = "open('/proc/self/comm', 'wb').write(bytes.fromhex('636166c3')); print('ready', flush=True); input()"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process whose name ends within a character."""
    started = subprocess.Popen(
        [sys.executable, "-c", NAMELESS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "F2P_TEST_MARK": "one two"},
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    yield started
    started.communicate("")


def test_a_name_that_is_no_text_hides_no_process(child: subprocess.Popen[str]) -> None:
    assert child.pid in descendants(os.getpid())
    assert resident_bytes({child.pid}) > 2**20


def test_what_a_process_computes_is_counted(child: subprocess.Popen[str]) -> None:
    me = {os.getpid()}
    before, began = cpu_seconds(me), time.process_time()
    while time.process_time() < began + 0.1:
        pass
    assert 0.08 <= cpu_seconds(me) - before < 1.0
    assert cpu_seconds({child.pid}) < cpu_seconds({child.pid, *me})


def test_a_process_is_found_by_what_it_inherited(child: subprocess.Popen[str]) -> None:
    assert marked(b"F2P_TEST_MARK=one two") == {child.pid}
    assert marked(b"F2P_TEST_MARK=one") == set()
