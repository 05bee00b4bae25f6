"""Rendering on other machines, through Prefect's Dask task runner; ``F2P_DASK`` says where.

    local:2                two worker processes of this machine, for the time of the rendering
    tcp://host:8786        the workers of a Dask scheduler that runs already

A worker has an engine of its own and renders whole shards. Where it sees the dataset's folder, on a file system that
all share, it writes there; otherwise its shards come through the store (``F2P_STORE``). A shard's bytes do not depend
on who renders it, so both give what a single process gives.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine_bridge.errors import EngineBuildChangedError, EngineError, InputError
from f2p_datasets.rendering import DatasetPlan
from f2p_datasets.shards import ShardRecord, rows_path
from flows.engines.orders import EngineOrder, open_engine
from flows.engines.shard_job import render_held_to_look
from flows.scaling.shard_delivery import deliver, is_delivered, receive
from flows.scaling.stores import Store, StoreError
from flows.settings import (
    DASK_VARIABLE,
    STORE_VARIABLE,
    Settings,
    prepare_environment,
    store_address,
    user_prefect_server,
)

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge

_LOCAL: Final = "local"
_SCHEMES: Final = ("tcp", "tls", "ws", "wss", "ucx")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
#: For a network file system to show what another machine has written; it may remember for a while that nothing was.
APPEARING_S: Final = 90.0
_LOOK_S: Final = 0.5
#: One shard after the other: an engine belongs to one thread at a time.
_TURN: Final = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class FanOut:
    """One dataset's rendering, as it travels to the workers.

    folder  the dataset's, as the one who orders sees it
    token   name of a file in it, by which a worker knows that it sees the same folder
    key     the dataset's; an engine of another build would render another one
    ahead   whether engines render in processes of their own
    """

    settings: Settings
    engine: EngineOrder
    plan: DatasetPlan
    folder: Path
    token: str
    key: str
    ahead: bool

    @property
    def is_shared(self) -> bool:
        """Whether this process sees the folder of the one who ordered."""
        return (self.folder / self.token).is_file()


def render(order: FanOut, shard_index: int) -> ShardRecord:
    """Render a shard in a worker. Raises InputError when there is no way back for it, EngineError as engines do."""
    with _TURN:
        if order.is_shared:
            return _render_into(order, shard_index, order.folder, order.settings)
        address = store_address()
        if address is None:
            raise InputError(
                f"{DASK_VARIABLE}: a worker does not see {order.folder}; give workers the same file system, or set "
                f"{STORE_VARIABLE} here and in the workers to a store that all reach"
            )
        own = Settings.from_environment()
        scratch = own.cache / "fan-out" / order.key
        record = _render_into(order, shard_index, scratch, own)
        deliver(Store(address), scratch, record)
        return record


def collect(order: FanOut, record: ShardRecord) -> None:
    """Have a worker's shard in the dataset's folder, if it does not appear there by itself.

    Raises StoreError or EngineError for one that neither appears nor was delivered.
    """
    address = store_address()
    store = Store(address) if address else None
    deadline = monotonic() + APPEARING_S
    while not _is_here(order.folder, record):
        if store and is_delivered(store, record):
            receive(store, order.folder, record)
        elif monotonic() >= deadline:
            raise _lost(order.folder, record, store)
        else:
            sleep(_LOOK_S)


def _is_here(folder: Path, record: ShardRecord) -> bool:
    """Whether the shard's files are there; to list the folder is what makes NFS ask its server anew."""
    names = {path.name for path in folder.iterdir()}
    files = (folder / record.name, rows_path(folder, record.name))
    return all(path.name in names and path.is_file() for path in files)


def _lost(folder: Path, record: ShardRecord, store: Store | None) -> EngineError:
    if store:
        return StoreError(f"{store.shown}: {record.name} was rendered but did not arrive; run again")
    return EngineError(
        f"{folder}: {record.name} was rendered but did not appear in {APPEARING_S:.0f} s; see that all workers have "
        "the same file system there and run again"
    )


@contextmanager
def fanned_out(
    settings: Settings, engine: EngineOrder, plan: DatasetPlan, folder: Path, *, key: str, ahead: bool
) -> Iterator[FanOut]:
    """An order for the folder, which workers recognise until the block ends."""
    token = f".fan-out-{secrets.token_hex(8)}.tmp"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / token).touch()
    try:
        yield FanOut(settings=settings, engine=engine, plan=plan, folder=folder, token=token, key=key, ahead=ahead)
    finally:
        (folder / token).unlink(missing_ok=True)


def dask_task_runner(settings: Settings) -> Any:
    """Prefect's task runner for the workers that the settings name. Raises InputError for what names none."""
    address = settings.dask or ""
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise InputError(f"{DASK_VARIABLE}: Dask is not installed; pip install 'f2p[dask]'") from error
    kind, _, rest = address.partition(":")
    if kind == _LOCAL and rest.isdecimal() and int(rest) >= 1:
        return DaskTaskRunner(cluster_class="distributed.LocalCluster", cluster_kwargs=_local_cluster(int(rest)))
    if kind in _SCHEMES and urlsplit(address).hostname:
        _check_server(address)
        return DaskTaskRunner(address=address)
    raise InputError(f"{DASK_VARIABLE}: {address!r} is neither local:N nor a scheduler's address like tcp://host:8786")


def _local_cluster(num_workers: int) -> dict[str, Any]:
    """Processes of one thread each, as our own workers are; no dashboard, and no limit that would kill a renderer."""
    return {
        "n_workers": num_workers,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": None,
        "memory_limit": 0,
    }


def _check_server(address: str) -> None:
    """Workers report each shard to Prefect: a server for this machine's own eyes does not do for those of others."""
    server = urlsplit(user_prefect_server() or "").hostname
    if urlsplit(address).hostname not in _LOOPBACK and server in (None, *_LOOPBACK):
        raise InputError(
            f"{DASK_VARIABLE}: the workers of {address} cannot reach the Prefect server of this process; start one "
            "they can reach ('f2p serve', 'prefect server start') and set PREFECT_API_URL here"
        )


def _render_into(order: FanOut, shard_index: int, folder: Path, settings: Settings) -> ShardRecord:
    engine = _engine(order.engine, settings)
    if order.plan.key(engine) != order.key:
        raise EngineBuildChangedError(
            f"{engine.name}: a worker's engine has build {engine.build}, which is not the one that the dataset was "
            "begun with; install the same everywhere and run again"
        )
    return render_held_to_look(engine, order.plan, shard_index, folder, order.ahead)


@cache
def _engine(order: EngineOrder, settings: Settings) -> EngineBridge:
    """A worker's engine lives as long as the worker."""
    prepare_environment(settings)
    return open_engine(order, settings)
