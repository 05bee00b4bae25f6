"""Waiting for the shards that other machines render: never for ever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

import pytest

from engine_bridge.errors import EngineTimeoutError, EngineUnavailableError
from flows.scaling import shard_tasks
from flows.scaling.shard_tasks import arriving


@dataclass
class Shard:
    """A future that is done at a moment of the monotonic clock."""

    name: str
    at: float = float("inf")
    wrapped_future: Any = field(init=False)

    def __post_init__(self) -> None:
        self.wrapped_future = self

    def done(self) -> bool:
        return monotonic() >= self.at

    def result(self) -> Any:
        return self


def names(found: Iterable[Any]) -> list[str]:
    return [shard.name for shard in found]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_tasks, "_LOOK_S", 0.01)
    monkeypatch.setattr(shard_tasks, "WORKERLESS_S", 0.3)


def test_shards_come_as_they_are_done() -> None:
    now = monotonic()
    shards = [Shard("first", now + 0.1), Shard("second", now)]
    assert names(arriving(shards, lambda: 1, 60.0)) == ["second", "first"]


def test_the_deadline_is_one_shard_s_and_not_that_of_all() -> None:
    now = monotonic()
    shards = [Shard(str(number), now + 0.2 * number) for number in range(1, 5)]
    assert len(list(arriving(shards, lambda: 1, 0.4))) == 4


def test_workers_that_finish_nothing_are_not_waited_for_for_ever() -> None:
    found = arriving([Shard("done", 0.0), Shard("hanging")], lambda: 1, 0.2)
    assert names([next(found)]) == ["done"]
    with pytest.raises(EngineTimeoutError, match="no worker has finished a shard"):
        next(found)


def test_workers_may_come_late() -> None:
    now = monotonic()
    shard = Shard("late", now + 0.5)
    assert names(arriving([shard], lambda: int(monotonic() > now + 0.2), 60.0)) == ["late"]


def test_a_scheduler_without_workers_is_told() -> None:
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        waiting = Shard("waiting")
        waiting.wrapped_future = client.submit(print)
        with pytest.raises(EngineUnavailableError, match="no worker for 0 s; start 'dask worker'"):
            list(arriving([waiting], partial(shard_tasks._num_workers, client), 60.0))
