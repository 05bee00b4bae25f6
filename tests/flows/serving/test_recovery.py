"""Which cut-off flow runs go on, and what people are told of those that do not. Prefect's server is played."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client import orchestration
from prefect.client.schemas.objects import FlowRun, State, StateType

from flows.monitoring.logs import read_log
from flows.serving import recovery
from flows.settings import Settings


class Server:
    """Knows flow runs, none of them with others inside."""

    def __init__(self) -> None:
        self.runs: dict[UUID, FlowRun] = {}

    def has(self, kind: StateType = StateType.CRASHED, *, starts: int, ago: timedelta = timedelta(0)) -> FlowRun:
        state: State[Any] = State(type=kind, timestamp=datetime.now(UTC) - ago)
        run = FlowRun(
            id=uuid4(),
            flow_id=uuid4(),
            name="tiny-quick",
            run_count=starts,
            state=state,
            parameters={"character": "tiny"},
        )
        self.runs[run.id] = run
        return run

    def read_flow_runs(self, *, flow_run_filter: Any, **_filters: Any) -> list[FlowRun]:
        if flow_run_filter.parent_flow_run_id:
            return []
        kinds = flow_run_filter.state.type.any_
        return [run for run in self.runs.values() if run.state is not None and run.state.type in kinds]

    def set_flow_run_state(self, run_id: UUID, state: State[Any], *, force: bool) -> None:
        assert force
        self.runs[run_id].state = state


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()

    @contextmanager
    def get_client(*, sync_client: bool) -> Iterator[Server]:
        assert sync_client
        yield found

    monkeypatch.setattr(orchestration, "get_client", get_client)
    return found


def told(settings: Settings) -> list[tuple[str, str, str]]:
    """Kind, character and headline of every notice."""
    return [
        (line["event"], line["character"], line["headline"])
        for line in read_log(settings)
        if line["event"].startswith("notice: ")
    ]


def test_what_was_cut_off_goes_on_and_nobody_is_told(server: Server, settings: Settings) -> None:
    run = server.has(starts=2)
    assert recovery.continue_crashed(settings, "pool") == ["tiny-quick"]
    assert run.state is not None
    assert run.state.type is StateType.SCHEDULED
    assert told(settings) == []


def test_what_was_cut_off_too_often_is_told_once_and_left_crashed(server: Server, settings: Settings) -> None:
    run = server.has(starts=3)
    for _ in range(3):  # every few seconds
        assert recovery.continue_crashed(settings, "pool") == []
    assert run.state is not None
    assert run.state.type is StateType.CRASHED
    assert told(settings) == [
        ("notice: failed", "tiny", "tiny-quick: failed: it was cut off 3 times and is not started again")
    ]


def test_the_last_start_that_a_worker_took_with_it_is_told(server: Server, settings: Settings) -> None:
    server.has(StateType.RUNNING, starts=3)
    assert recovery.take_over(settings, "pool") == []
    assert [kind for kind, *_ in told(settings)] == ["notice: failed"]


def test_what_crashed_days_ago_is_left_alone(server: Server, settings: Settings) -> None:
    server.has(starts=3, ago=timedelta(days=2))
    server.has(starts=1, ago=timedelta(days=2))
    assert recovery.continue_crashed(settings, "pool") == []
    assert told(settings) == []
