"""Prefect's view of rendering: one task per shard, here or on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from engine_bridge.errors import EngineError
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.shards import ShardRecord
from flows.engines.workers import WorkerEngine, WorkersStoppedError
from flows.progress import say
from flows.runs import Run
from flows.scaling.fan_out import FanOut, collect, dask_task_runner, fanned_out, render

RenderOne = Callable[[int], ShardRecord]
Arrived = Callable[[ShardRecord], ShardRecord]
"""Told of every shard that is in the dataset's folder; raises for one that does not belong there."""


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
    for future in [render_on_dask.submit(order, shard_index) for shard_index in shards]:
        yield future.result()


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
