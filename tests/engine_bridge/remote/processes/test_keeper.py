from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_bridge.remote.processes import keeper
from engine_bridge.remote.processes.keeper import BoundedLog, KeeperOrder
from engine_bridge.remote.processes.process import EngineProcess

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux' /proc")
needs_screen = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb (apt-get install xvfb)")

StartProcess = Callable[..., EngineProcess]


@pytest.fixture
def duration() -> str:
    """A number of seconds that no other process sleeps for: by it the processes of a test are known."""
    return f"{random.SystemRandom().randint(10**6, 10**9)}"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartProcess]:
    started: list[EngineProcess] = []

    def call(*command: str, **changes: bool | int) -> EngineProcess:
        started.append(EngineProcess(make_order(tmp_path, command, **changes)))
        return started[-1]

    yield call
    for process in started:
        process.end()


def make_order(folder: Path, command: tuple[str, ...], **changes: bool | int) -> KeeperOrder:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    order = {
        "command": command,
        "environment": dict(os.environ),
        "folder": str(folder),
        "log": str(folder / "engine.log"),
        "scratch": str(scratch),
    }
    return KeeperOrder(**(order | changes))  # type: ignore[arg-type]


def a_family(duration: str) -> tuple[str, ...]:
    """An engine with a child in its own process group, and one that has left group and session."""
    return (
        "sh",
        "-c",
        f"sleep {duration}1 & setsid sh -c 'sleep {duration}2 & sleep {duration}3' & exec sleep {duration}0",
    )


def sleepers(duration: str) -> int:
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum(line.startswith(f"sleep {duration}") for line in found.splitlines())


def await_sleepers(duration: str, count: int) -> None:
    deadline = time.monotonic() + 20.0
    while sleepers(duration) != count:
        assert time.monotonic() < deadline, f"{sleepers(duration)} processes, expected {count}"
        time.sleep(0.05)


@needs_proc
@pytest.mark.parametrize("wanted", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_starter_dies(wanted: signal.Signals, tmp_path: Path, duration: str) -> None:
    order = make_order(tmp_path, a_family(duration))
    program = (
        "import json, sys, time\n"
        "from engine_bridge.remote.processes.keeper import KeeperOrder\n"
        "from engine_bridge.remote.processes.process import EngineProcess\n"
        "process = EngineProcess(KeeperOrder(**json.loads(sys.argv[1])))\n"
        "time.sleep(600)\n"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, order.to_json().decode()], start_new_session=True, stderr=subprocess.DEVNULL
    )
    await_sleepers(duration, 4)
    os.killpg(starter.pid, wanted)  # as a terminal does it with Ctrl-C
    starter.wait(20)
    await_sleepers(duration, 0)


@needs_proc
def test_a_stopped_engine_dies_with_all_it_started(start: StartProcess, duration: str) -> None:
    process = start(*a_family(duration))
    await_sleepers(duration, 4)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    process.end()
    assert sleepers(duration) == 0


@needs_proc
def test_children_of_an_engine_that_crashed_die_too(start: StartProcess, duration: str) -> None:
    process = start("sh", "-c", f"setsid sleep {duration} & sleep 0.2; kill -9 $$")
    assert process.wait(20)
    assert sleepers(duration) == 0
    assert "killed by SIGKILL" in process.how_it_ended()


@needs_proc
def test_the_engine_dies_when_its_keeper_is_killed(start: StartProcess, duration: str) -> None:
    process = start("sleep", duration)
    await_sleepers(duration, 1)
    assert process.pid is not None
    os.kill(parent_of(process.pid), signal.SIGKILL)
    await_sleepers(duration, 0)
    assert "keeper was killed" in process.how_it_ended()


@needs_proc
@needs_screen
def test_nothing_is_left_of_an_engine_whose_keeper_was_killed(
    start: StartProcess, tmp_path: Path, duration: str
) -> None:
    process = start("sh", "-c", f"echo $DISPLAY; {a_family(duration)[2]}", needs_screen=True)
    await_sleepers(duration, 4)
    display = await_line(tmp_path / "engine.log")
    assert process.pid is not None
    os.kill(parent_of(process.pid), signal.SIGKILL)
    process.end()
    assert sleepers(duration) == 0
    assert not socket_of(display).exists()
    assert not (tmp_path / "scratch").exists()


@needs_proc
@needs_screen
def test_a_screen_ends_with_its_keeper(start: StartProcess, tmp_path: Path, duration: str) -> None:
    process = start("sh", "-c", f"echo $DISPLAY; exec sleep {duration}", needs_screen=True)
    display = await_line(tmp_path / "engine.log")
    assert process.pid is not None
    os.kill(parent_of(process.pid), signal.SIGKILL)
    deadline = time.monotonic() + 20.0
    while socket_of(display).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@needs_proc
def test_a_hanging_keeper_is_not_waited_for(start: StartProcess, duration: str) -> None:
    process = start(*a_family(duration))
    await_sleepers(duration, 4)
    assert process.pid is not None
    os.kill(parent_of(process.pid), signal.SIGSTOP)
    process.end(patience_s=0.1)
    assert sleepers(duration) == 0
    assert not process.is_running


def test_a_process_that_even_sigkill_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stuck:
        pid = 2**22 + 1  # no process has this number

        def wait(self, timeout: float | None = None) -> int:
            assert timeout is not None
            raise subprocess.TimeoutExpired("engine", timeout)

    monkeypatch.setattr(keeper, "descendants", lambda ancestor: set())
    keeper._kill(Stuck(), spared=set())  # type: ignore[arg-type]


def test_nothing_is_imported_from_the_current_folder(
    start: StartProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shutil.py").write_text("raise SystemExit('code of the current folder ran')")
    process = start("true")
    assert process.wait(20)
    assert process.succeeded, process.how_it_ended()


def test_the_end_is_told_with_its_status_and_last_words(start: StartProcess, tmp_path: Path) -> None:
    process = start("sh", "-c", "echo no GPU here >&2; exit 7")
    assert process.wait(20)
    assert process.how_it_ended() == f"it ended with status 7; its last words: no GPU here; log: {tmp_path}/engine.log"
    assert not process.succeeded


def test_a_program_that_does_not_exist_is_named(start: StartProcess) -> None:
    process = start("no-such-engine")
    assert process.wait(20)
    assert "no-such-engine" in process.how_it_ended()


def test_ending_twice_is_ending_once(start: StartProcess, duration: str) -> None:
    process = start("sleep", duration)
    process.end()
    process.end()
    assert not process.is_running


def test_the_scratch_folder_goes_with_the_engine(start: StartProcess, tmp_path: Path) -> None:
    process = start("sh", "-c", "touch scratch/left-over")
    assert process.wait(20)
    assert not (tmp_path / "scratch").exists()


def test_an_engine_may_talk_more_than_its_log_holds(start: StartProcess, tmp_path: Path) -> None:
    process = start("sh", "-c", "seq 1 200000", log_bytes=100_000)
    assert process.wait(20)
    assert process.succeeded
    assert sum(path.stat().st_size for path in tmp_path.glob("engine.log*")) < 400_000
    assert "200000" in process.how_it_ended()


def test_a_log_keeps_its_newest_part(tmp_path: Path) -> None:
    log = BoundedLog(tmp_path / "log", 10)
    for line in (b"one one one\n", b"two two two\n", b"three\n"):
        log.write(line)
    log.close()
    assert (tmp_path / "log.1").read_bytes() == b"two two two\n"
    assert (tmp_path / "log").read_bytes() == b"three\n"


@needs_proc
def test_memory_counts_the_children_too(start: StartProcess) -> None:
    hungry = f"{sys.executable} -c 'import time; x = bytearray(60_000_000); time.sleep(600)'"
    process = start("sh", "-c", f"{hungry} & wait")
    deadline = time.monotonic() + 20.0
    while process.memory_bytes() < 60e6:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@needs_screen
def test_a_screen_takes_its_own_engine_and_no_other(start: StartProcess, tmp_path: Path) -> None:
    program = "import json, os; print(json.dumps([os.environ[n] for n in ('DISPLAY', 'XAUTHORITY')]), flush=True)"
    process = start("sh", "-c", f'{sys.executable} -c "{program}"; sleep 600', needs_screen=True)
    display, authority = json.loads(await_line(tmp_path / "engine.log"))
    cookie = Path(authority).read_bytes()[-16:]
    assert greets(display, cookie)
    assert not greets(display, bytes(16))
    process.end()
    assert not socket_of(display).exists()


@needs_screen
def test_two_screens_have_two_numbers(tmp_path: Path) -> None:
    processes, displays = [], set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        order = make_order(folder, ("sh", "-c", "echo $DISPLAY; sleep 600"), needs_screen=True)
        processes.append(EngineProcess(order))
    for name in ("one", "two"):
        displays.add(await_line(tmp_path / name / "engine.log"))
    for process in processes:
        process.end()
    assert len(displays) == 2


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def await_line(path: Path) -> str:
    deadline = time.monotonic() + 20.0
    while not (path.is_file() and "\n" in path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return path.read_text().splitlines()[0]


def socket_of(display: str) -> Path:
    return Path(f"/tmp/.X11-unix/X{display.lstrip(':')}")


def greets(display: str, cookie: bytes) -> bool:
    """Whether the X server lets somebody with this cookie in (X11 protocol, connection setup)."""
    name = b"MIT-MAGIC-COOKIE-1"
    setup = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie)) + name + bytes(-len(name) % 4) + cookie
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(socket_of(display)))
        connection.sendall(setup)
        return connection.recv(1) == b"\x01"
