"""A round of ``infra/bench/task_runners.py``: its flow and its task, in a module that workers can import.

Import it when the environment has been prepared: Prefect is imported here.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from prefect import flow, task
from prefect.cache_policies import NO_CACHE


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one runner took once.

    start_s    from the call of the flow until a first task has come back
    stop_s     from the last result until the flow has returned and its workers are gone
    memory_mb  of all processes that the runner started, after the tasks; pages that they share count once
    """

    start_s: float
    task_ms: float
    stop_s: float
    processes: float
    memory_mb: float


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """Moments of a round as the flow saw them, and MB of each process that the runner started."""

    started: float
    begun: float
    done: float
    memory: list[float]
    left: float


def play_round(runner: Any, *, num_tasks: int, warm_up: int) -> Round:
    """Start the runner, send it tasks that are not timed and tasks that are, and stop it."""
    others = frozenset(process.pid for process in psutil.Process().children(recursive=True))
    called = time.perf_counter()
    seen = _send_tasks.with_options(task_runner=runner)(num_tasks, warm_up, others)
    returned = time.perf_counter()
    return Round(
        start_s=seen.started - called,
        task_ms=(seen.done - seen.begun) / num_tasks * 1e3,
        stop_s=returned - seen.left,
        processes=len(seen.memory),
        memory_mb=sum(seen.memory),
    )


@task(cache_policy=NO_CACHE, persist_result=False)
def same(index: int) -> int:
    """Nothing but the way there and back."""
    return index


@flow(name="task-runners", validate_parameters=False)
def _send_tasks(num_tasks: int, warm_up: int, others: frozenset[int]) -> _Seen:
    _send(1)
    started = time.perf_counter()
    _send(warm_up)
    begun = time.perf_counter()
    _send(num_tasks)
    done = time.perf_counter()
    memory = _memory_mb(others)
    return _Seen(started=started, begun=begun, done=done, memory=memory, left=time.perf_counter())


def _send(count: int) -> None:
    futures = [same.submit(index) for index in range(count)]
    assert [future.result() for future in futures] == list(range(count))


def _memory_mb(others: frozenset[int]) -> list[float]:
    """Of each process below this one that is not among the others."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.pid not in others:
                found.append(process.memory_full_info().pss / 1e6)
    return found
