"""The pool with real engine processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine_bridge.errors import EngineUnavailableError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.pool.pool import EnginePool, PoolConfig
from engine_bridge.remote.processes.adapters import load_adapter
from engine_bridge.remote.processes.process_tree import descendants

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux' /proc")

Faces = Callable[[int], list[RenderRequest]]
AssertTrue = Callable[[Sequence[Frame], int], None]
OpenPool = Callable[..., EnginePool]


@pytest.fixture
def open_pool(tmp_path: Path) -> Iterator[OpenPool]:
    """``open_pool(adapter={...}, instances=1, ...)``: a pool of mock engines in processes."""
    opened: list[EnginePool] = []

    def call(*, adapter: dict[str, Any] | None = None, **config: Any) -> EnginePool:
        engine = replace(load_adapter("mock_remote"), **(adapter or {}))
        opened.append(
            EnginePool(engine, config=PoolConfig(**config), work_root=tmp_path / "work", log_folder=tmp_path / "logs")
        )
        return opened[-1]

    yield call
    for pool in opened:
        pool.close()


def engine_pids() -> list[int]:
    """Of the engines below this process; their keepers are not among them."""
    return [pid for pid in descendants(os.getpid()) if b"engines.mock_remote" in command_of(pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_killed_engine_is_replaced_and_no_frame_is_lost_or_double(
    open_pool: OpenPool, faces: Faces, assert_true: AssertTrue
) -> None:
    pool = open_pool(instances=1)
    assert_true(pool.render(faces(20)), 20)
    os.kill(engine_pids()[0], signal.SIGKILL)
    assert_true(pool.render(faces(20)), 20)
    assert [("SIGKILL" in reason) for reason in pool.record.restarts] == [True]
    assert pool.record.frames == 40


def test_closing_leaves_no_process(open_pool: OpenPool, faces: Faces) -> None:
    pool = open_pool(instances=2)
    pool.render(faces(4))
    assert engine_pids()
    pool.close()
    assert not descendants(os.getpid()) & set(engine_pids())
    with pytest.raises(EngineUnavailableError, match="closed"):
        pool.render(faces(1))


def test_an_engine_is_recycled_after_so_many_frames(open_pool: OpenPool, faces: Faces, assert_true: AssertTrue) -> None:
    pool = open_pool(adapter={"recycle_after_frames": 40})
    assert_true(pool.render(faces(60)), 60)
    assert pool.record.recycles == 1
    assert pool.record.restarts == ()


def test_an_engine_that_grows_is_recycled(open_pool: OpenPool, faces: Faces, assert_true: AssertTrue) -> None:
    pool = open_pool(adapter={"memory_limit_mb": 450, "environment": {"F2P_MOCK_FAULTS": "memory=20"}})
    assert_true(pool.render(faces(8)), 8)
    time.sleep(2.1)  # memory is looked at every two seconds
    assert_true(pool.render(faces(8)), 8)
    assert_true(pool.render(faces(8)), 8)
    assert pool.record.recycles >= 1


def test_an_engine_that_ends_at_once_is_reported_with_its_last_words(open_pool: OpenPool) -> None:
    pool = open_pool(adapter={"command": ("sh", "-c", "echo no licence >&2; exit 9")})
    with pytest.raises(EngineUnavailableError, match=r"status 9; its last words: no licence; log: .*\.log$"):
        pool.describe("tiny")


def test_what_is_missing_is_said_with_how_to_install_it(open_pool: OpenPool) -> None:
    need = replace(load_adapter("csharp").needs[0], what="no-such-program", install="apt-get install it")
    with pytest.raises(EngineUnavailableError, match="no-such-program is not installed: apt-get install it"):
        open_pool(adapter={"needs": (need,)}).describe("tiny")


def test_an_engine_sees_its_own_home_and_its_gpu(open_pool: OpenPool, tmp_path: Path) -> None:
    say = 'import os; print(*(os.environ[n] for n in ("HOME", "TMPDIR", "CUDA_VISIBLE_DEVICES"))); print("{gpu}")'
    pool = open_pool(adapter={"command": ("{python}", "-c", say)}, gpus=(3,))
    with pytest.raises(EngineUnavailableError) as caught:
        pool.describe("tiny")
    (log,) = (tmp_path / "logs").glob("*.log")
    home, temporary, gpu, placeholder = log.read_text().split()
    assert Path(home).is_relative_to(tmp_path / "work")
    assert Path(temporary).is_relative_to(tmp_path / "work")
    assert (gpu, placeholder) == ("3", "3")
    assert "F2P_BRIDGE_TOKEN" not in str(caught.value)


def test_a_pool_works_in_a_spawned_worker_and_dies_with_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_render_in_worker, args=(theirs, tmp_path))
    worker.start()
    assert ours.poll(60)
    pids: list[int] = ours.recv()
    assert pids
    worker.kill()
    worker.join(20)
    deadline = time.monotonic() + 20
    while any(b"mock_remote" in command_of(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _render_in_worker(wire: Any, folder: Path) -> None:
    pool = EnginePool(load_adapter("mock_remote"), work_root=folder / "work", log_folder=folder / "logs")
    pool.describe("tiny")
    wire.send(engine_pids())
    time.sleep(600)


def test_a_program_that_forgets_to_close_ends_all_the_same(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from engine_bridge.remote.processes.adapters import load_adapter\n"
        "from engine_bridge.remote.pool.pool import EnginePool\n"
        "folder = Path(sys.argv[1])\n"
        "pool = EnginePool(load_adapter('mock_remote'), work_root=folder / 'work', log_folder=folder / 'logs')\n"
        "print(pool.describe('tiny').character)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert finished.stdout == "tiny\n"
    assert finished.stderr == ""


def test_ctrl_c_ends_a_render_and_its_engines(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from engine_bridge.frames import RenderRequest\n"
        "from engine_bridge.remote.processes.adapters import load_adapter\n"
        "from engine_bridge.remote.pool.pool import EnginePool\n"
        "folder = Path(sys.argv[1])\n"
        "with EnginePool(load_adapter('mock_remote'), work_root=folder / 'w', log_folder=folder / 'l') as pool:\n"
        "    vector = pool.describe('tiny').default_vector()\n"
        "    print('ready', flush=True)\n"
        "    while True:\n"
        "        pool.render([RenderRequest(request_id=i, character='tiny', vector=vector) for i in range(200)])\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        engines = engine_pids()
        assert engines
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == -signal.SIGINT
    assert not any(b"mock_remote" in command_of(pid) for pid in engines)


@pytest.mark.slow
def test_pairs_survive_engines_killed_at_random_and_frozen_once(
    open_pool: OpenPool, faces: Faces, assert_true: AssertTrue
) -> None:
    pool = open_pool(instances=2, attempts=8, adapter={"frame_timeout_s": 3.0})
    pool.describe("tiny")
    killer = threading.Thread(target=_kill_at_random)
    killer.start()
    rounds = 0
    while killer.is_alive():  # on a busy machine that takes more than one round
        frames = [frame for start in range(0, 400, 50) for frame in pool.render(faces(400)[start : start + 50])]
        assert_true(frames, 400)
        rounds += 1
    assert len(pool.record.restarts) >= 4  # who is hit while it starts, or twice, is replaced once
    assert pool.record.frames == 400 * rounds


def _kill_at_random() -> None:
    draw = np.random.default_rng(3)
    for turn in range(8):
        time.sleep(float(draw.uniform(0.3, 1.2)))
        pids = sorted(engine_pids())
        if pids:
            os.kill(pids[int(draw.integers(len(pids)))], signal.SIGSTOP if turn == 3 else signal.SIGKILL)
