"""Prefect's view of rendering: one task per shard, here or on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.context import FlowRunContext

from engine_bridge.errors import EngineError, EngineTimeoutError, EngineUnavailableError
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.shards import ShardRecord
from flows.engines.workers import WorkerEngine, WorkersStoppedError
from flows.progress import say
from flows.runs import Run
from flows.scaling.fan_out import FanOut, collect, dask_task_runner, fanned_out, render
from flows.settings import DASK_VARIABLE

#: Engines may have to be prepared and started first.
_START_S, _SECONDS_PER_PAIR = 600.0, 30.0
#: For the first worker to come, and for one to come back after the last has left: clusters start some on demand.
WORKERLESS_S: Final = 300.0
_LOOK_S: Final = 0.5

RenderOne = Callable[[int], ShardRecord]
Arrived = Callable[[ShardRecord], ShardRecord]
"""Told of every shard that is in the dataset's folder; raises for one that does not belong there."""


def deadline_s(plan: DatasetPlan) -> float:
    """How long to wait for one shard of the plan at most."""
    return _START_S + _SECONDS_PER_PAIR * plan.shard_size


def _may_help(_task: Any, _run: Any, state: Any) -> bool:
    """Engine trouble may pass; a user's mistake does not, and nobody wants more of a run that is being ended."""
    error = state.result(raise_on_failure=False)
    may_help = isinstance(error, EngineError) and not isinstance(error, WorkersStoppedError)
    if may_help:
        say(f"  [yellow]{error}[/]")
    return may_help


@task(
    task_run_name="shard {shard_index}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=_may_help,
)
def render_one_shard(render_one: RenderOne, shard_index: int) -> ShardRecord:
    """Wait for a worker process to render the shard."""
    return render_one(shard_index)


@task(
    task_run_name="shard {shard_index}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=_may_help,
)
def render_on_dask(order: FanOut, shard_index: int) -> ShardRecord:
    """Render the shard, in the worker that Dask gives it to."""
    return render(order, shard_index)


@flow(name="render-on-dask", flow_run_name="{title}", validate_parameters=False)
def _fan_out(title: str, order: FanOut, shards: Sequence[int]) -> Iterator[ShardRecord]:
    """Every shard as it is rendered. Its parameters travel with each task, so they are what can travel."""
    del title
    client = _client()
    futures = [render_on_dask.submit(order, shard_index) for shard_index in shards]
    yield from arriving(futures, partial(_num_workers, client), deadline_s(order.plan))


def arriving(futures: Sequence[Any], num_workers: Callable[[], int], patience_s: float) -> Iterator[ShardRecord]:
    """The futures' results as they come; what a task raised is raised here.

    Raises EngineUnavailableError when there is no worker for ``WORKERLESS_S``, EngineTimeoutError when no shard comes
    for ``patience_s``. Dask itself would wait for ever.
    """
    waiting, heard, manned = list(futures), monotonic(), monotonic()
    while waiting:
        done = [future for future in waiting if future.wrapped_future.done()]
        for future in done:
            waiting.remove(future)
            yield future.result()
        now = monotonic()
        heard = now if done else heard
        manned = now if done or num_workers() else manned
        if now - manned > WORKERLESS_S:
            raise EngineUnavailableError(
                f"{DASK_VARIABLE}: the scheduler had no worker for {WORKERLESS_S:.0f} s; start 'dask worker' for it "
                "and run again"
            )
        if now - heard > patience_s:
            raise EngineTimeoutError(
                f"{DASK_VARIABLE}: no worker has finished a shard in {patience_s:.0f} s; look at them and run again"
            )
        if waiting:
            sleep(_LOOK_S)


def _num_workers(client: Any) -> int:
    """Of the client's scheduler; none when it is away."""
    try:
        return len(client.nthreads())
    except OSError:
        return 0


def _client() -> Any:
    """Dask's client of the flow that is running. Raises EngineUnavailableError when no scheduler answers."""
    context = FlowRunContext.get()
    runner: Any = context.task_runner if context else None
    try:
        return runner.client
    except OSError as error:
        raise EngineUnavailableError(f"{DASK_VARIABLE}: no scheduler answers ({error}); start it, run again") from error


def render_elsewhere(
    run: Run, plan: DatasetPlan, folder: Path, shards: Sequence[int], *, title: str, arrived: Arrived
) -> None:
    """Have the shards rendered where ``F2P_DASK`` says. Raises as :func:`flows.scaling.fan_out.render` does."""
    if not shards:
        return
    runner = dask_task_runner(run.settings)
    key, ahead = plan.key(run.engine), isinstance(run.engine, WorkerEngine)
    run.workers.release()  # their cores and engines may be wanted by Dask's
    with fanned_out(run.settings, run.workers.engine, plan, folder, key=key, ahead=ahead) as order:
        for record in _fan_out.with_options(task_runner=runner)(title, order, shards):
            collect(order, record)
            arrived(record)
