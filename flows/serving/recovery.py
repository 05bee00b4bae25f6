"""Flow runs that were cut off: by a crash, a power cut, or the end of ``f2p serve``. They go on where they stopped.

Prefect knows only that they ended, or not even that. Which work is done the artifacts say, so starting such a run
again repeats nothing; but one that has been cut off three times is left, so that it cannot fell the machine for ever,
and people are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from flows.monitoring.notifications import notify
from flows.progress import say
from flows.serving.notices import notice_of_giving_up
from flows.settings import Settings

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State, StateType

MOST_STARTS: Final = 3
#: What was cut off may still be ending, and nothing works on the same folders meanwhile.
PAUSE: Final = timedelta(seconds=15)
#: Older ones belong to nights that later nights have made good.
YOUNGER_THAN: Final = timedelta(hours=24)
#: The message of the state that a run is left in; by it the next look knows that people have been told.
GIVEN_UP: Final = f"Cut off {MOST_STARTS} times; not started again."


def continue_crashed(settings: Settings, pool: str) -> list[str]:
    """Start again what has crashed lately in the pool, or give it up. Returns the names of the former."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType

    with get_client(sync_client=True) as client:
        crashed = [run for run in _runs(client, pool, [StateType.CRASHED]) if _is_fresh(run)]
        going_on = [run for run in crashed if run.run_count < MOST_STARTS]
        for run in crashed:
            if run in going_on:
                _start_again(client, run)
            else:
                _give_up(settings, client, run)
    return [run.name for run in going_on]


def take_over(settings: Settings, pool: str) -> list[str]:
    """Settle what an earlier worker of the pool left, when it is certain that none is left of it.

    What it was running is started again, what was being cancelled is cancelled. Returns the names of the former.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.states import Cancelled, Crashed

    with get_client(sync_client=True) as client:
        for run in _runs(client, pool, [StateType.CANCELLING]):
            _settle(client, run, Cancelled(message="Its worker had ended before it."))
        for run in _runs(client, pool, [StateType.RUNNING, StateType.PENDING]):
            _settle(client, run, Crashed(message="Its worker has ended."))
    return continue_crashed(settings, pool)


def _runs(client: SyncPrefectClient, pool: str, states: Sequence[StateType]) -> list[FlowRun]:
    from prefect.client.schemas import filters

    return client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter(state=_in_states(states)),
        work_pool_filter=filters.WorkPoolFilter(name=filters.WorkPoolFilterName(any_=[pool])),
    )


def _in_states(states: Sequence[StateType]) -> Any:
    from prefect.client.schemas import filters

    return filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=list(states)))


def _is_fresh(run: FlowRun) -> bool:
    """Whether it crashed lately and nobody has given it up."""
    state = run.state
    return state is not None and state.message != GIVEN_UP and datetime.now(UTC) - state.timestamp < YOUNGER_THAN


def _start_again(client: SyncPrefectClient, run: FlowRun) -> None:
    from prefect.states import AwaitingRetry

    due = datetime.now(UTC) + PAUSE
    later: State[Any] = AwaitingRetry(scheduled_time=due, message="Cut off; goes on with what is missing.")
    client.set_flow_run_state(run.id, later, force=True)
    say(f"[yellow]{run.name} was cut off and goes on (start {run.run_count + 1} of {MOST_STARTS})[/]")


def _give_up(settings: Settings, client: SyncPrefectClient, run: FlowRun) -> None:
    """Leave it crashed. The state first: whoever cannot set it would tell people every few seconds."""
    from prefect.states import Crashed

    state: State[Any] = Crashed(message=GIVEN_UP)
    client.set_flow_run_state(run.id, state, force=True)
    say(f"[red]{run.name} was cut off {run.run_count} times and is not started again[/]")
    notify(settings, notice_of_giving_up(run))


def _settle(client: SyncPrefectClient, run: FlowRun, state: State[Any]) -> None:
    """Give a dead run and the runs inside it their last state."""
    for inner in _inside(client, run.id):
        client.set_flow_run_state(inner.id, state, force=True)
    client.set_flow_run_state(run.id, state, force=True)


def _inside(client: SyncPrefectClient, parent: UUID) -> list[FlowRun]:
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import StateType

    return client.read_flow_runs(
        flow_run_filter=filters.FlowRunFilter(
            parent_flow_run_id=filters.FlowRunFilterParentFlowRunId(any_=[parent]),
            state=_in_states([StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]),
        )
    )
