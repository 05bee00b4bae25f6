from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from engine_bridge.bridge import EngineBridge
from engine_bridge.errors import EngineBuildChangedError, EngineError, EngineTimeoutError, InputError
from engine_bridge.frames import RenderRequest
from engine_bridge.mock import MockEngine
from flows.engines.orders import EngineOrder
from flows.engines.workers import EngineWorkers, WorkerEngine, WorkersStoppedError
from flows.settings import Settings

DEADLINE_S = 60.0


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(__file__).parent)  # children inherit the path
    return importlib.import_module("worker_jobs")


@pytest.fixture
def workers(settings: Settings, jobs: ModuleType) -> Iterator[EngineWorkers]:
    workers = EngineWorkers(engine=EngineOrder(), settings=settings, num_workers=2)
    yield workers
    workers.close()


def test_a_job_gets_its_workers_engine_and_its_arguments(workers: EngineWorkers, jobs: ModuleType) -> None:
    assert workers.do(jobs.describe, "tiny", deadline_s=DEADLINE_S) == 19


def test_jobs_run_in_other_processes_at_the_same_time(workers: EngineWorkers, jobs: ModuleType) -> None:
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(lambda _: workers.do(jobs.process_id, deadline_s=DEADLINE_S), range(8)))
    assert len(ids) == 2
    assert os.getpid() not in ids


def test_workers_are_in_process_groups_of_their_own_so_that_ctrl_c_spares_them(
    workers: EngineWorkers, jobs: ModuleType
) -> None:
    assert workers.do(jobs.group_id, deadline_s=DEADLINE_S) != os.getpgrp()


def test_what_a_job_raises_is_raised_here_and_the_worker_lives_on(workers: EngineWorkers, jobs: ModuleType) -> None:
    for _ in range(3):
        with pytest.raises(InputError, match="count: give more"):
            workers.do(jobs.refuse, deadline_s=DEADLINE_S)
    assert workers.do(jobs.describe, "tiny", deadline_s=DEADLINE_S) == 19


def test_a_worker_that_dies_is_engine_trouble_and_is_replaced(workers: EngineWorkers, jobs: ModuleType) -> None:
    for _ in range(2):
        with pytest.raises(EngineError, match="a render worker died"):
            workers.do(jobs.die, deadline_s=DEADLINE_S)
    assert workers.do(jobs.describe, "tiny", deadline_s=DEADLINE_S) == 19


def test_a_worker_that_hangs_is_ended_at_its_deadline(workers: EngineWorkers, jobs: ModuleType) -> None:
    workers.do(jobs.process_id, deadline_s=DEADLINE_S)
    with pytest.raises(EngineTimeoutError, match="gave no answer in 1 s"):
        workers.do(jobs.sleep, deadline_s=1.0)
    assert workers.do(jobs.describe, "tiny", deadline_s=DEADLINE_S) == 19


def test_closing_ends_the_jobs_that_are_under_way(workers: EngineWorkers, jobs: ModuleType) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(workers.do, jobs.sleep, deadline_s=DEADLINE_S)
        time.sleep(0.5)
        workers.close()
        with pytest.raises(WorkersStoppedError):
            waiting.result(timeout=10)


def test_nothing_is_left_of_closed_workers(workers: EngineWorkers, jobs: ModuleType) -> None:
    process = workers.do(jobs.process_id, deadline_s=DEADLINE_S)
    workers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_workers_that_were_released_start_again_when_they_are_needed(workers: EngineWorkers, jobs: ModuleType) -> None:
    before = workers.do(jobs.process_id, deadline_s=DEADLINE_S)
    workers.release()
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert workers.do(jobs.describe, "tiny", deadline_s=DEADLINE_S) == 19


def test_closed_workers_start_no_more(workers: EngineWorkers, jobs: ModuleType) -> None:
    workers.close()
    with pytest.raises(WorkersStoppedError):
        workers.do(jobs.process_id, deadline_s=DEADLINE_S)


def test_an_error_that_cannot_be_rebuilt_from_its_message_arrives_as_its_family(
    workers: EngineWorkers, jobs: ModuleType
) -> None:
    with pytest.raises(EngineError, match="scene: too dark"):
        workers.do(jobs.refuse_request, deadline_s=DEADLINE_S)


def test_a_workers_engine_is_an_engine_bridge_of_this_process(workers: EngineWorkers, jobs: ModuleType) -> None:
    there, here = WorkerEngine(workers), MockEngine()
    schema = there.describe("tiny")
    assert isinstance(there, EngineBridge)
    assert (there.name, there.build, there.scene_fields) == (here.name, here.build, here.scene_fields)
    assert schema == here.describe("tiny")
    request = RenderRequest(request_id=7, character="tiny", vector=schema.default_vector(), resolution=32)
    [rendered], [expected] = there.render([request]), here.render([request])
    assert rendered.request_id == 7
    np.testing.assert_array_equal(rendered.picture, expected.picture)


def test_a_worker_that_comes_back_with_another_build_is_refused(
    workers: EngineWorkers, jobs: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = WorkerEngine(workers)
    monkeypatch.setattr(WorkerEngine, "build", "mock-before-the-update")
    with pytest.raises(EngineBuildChangedError, match="from mock-before-the-update to mock-"):
        engine.render([])


def test_an_unknown_engine_is_the_users_mistake(settings: Settings, jobs: ModuleType) -> None:
    workers = EngineWorkers(engine=EngineOrder("gdot3"), settings=settings, num_workers=1)
    try:
        with pytest.raises(InputError, match="no engine is called 'gdot3'"):
            workers.do(jobs.process_id, deadline_s=DEADLINE_S)
    finally:
        workers.close()
