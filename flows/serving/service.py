"""``f2p serve``: Prefect's server, a worker and the schedules, kept running on one machine by one process.

    this process                   registers the deployments, starts again what ends, sets going what was cut off
      -> python -m flows.serving.web       Prefect's server on the home's database, its page, reports and metrics
      -> python -m flows.serving.worker    starts flows when they are due, each as a process
           -> flow -> its own worker processes and engines

Whoever of them ends, those below end too; ``kill -9`` included. All of it can be reached from this machine only.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine_bridge.errors import InputError
from f2p_datasets.durable import appearing_file
from f2p_models.index_health import is_damaged
from flows.orchestrator import (
    START_DEADLINE_S,
    OrchestratorError,
    renew_damaged_database,
    served_note,
    server_database,
)
from flows.progress import say
from flows.serving.supervision import KeptProcess
from flows.serving.upkeep import Duties, Upkeep, is_healthy
from flows.serving.web import HOST, address
from flows.settings import Settings, prepare_service, user_prefect_server
from flows.steps import alone

if TYPE_CHECKING:
    from flows.serving.registration import DeploymentOrder

DEFAULT_PORT: Final = 4200
_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """What ``f2p serve`` tells when it is ready. ``next_night`` is None without a schedule."""

    page: str
    reports: str
    metrics: str
    api: str
    deployments: list[str]
    next_night: datetime | None = None


def prepare_serving(settings: Settings, port: int) -> None:
    """Have everything of Prefect that is imported from now on talk to the server that is to come.

    Raises InputError when the user has named another one.
    """
    if user_prefect_server():
        raise InputError(
            "PREFECT_API_URL names a Prefect server, and f2p serve starts its own; unset it, or use that server with: "
            "f2p deploy, and prefect worker start"
        )
    prepare_service(settings, port)


def serve(
    settings: Settings,
    order: DeploymentOrder,
    *,
    port: int = DEFAULT_PORT,
    at_once: int = 1,
    ready: Callable[[Service], None],
) -> None:
    """Serve the home until Ctrl-C or SIGTERM, after :func:`prepare_serving`.

    ``at_once`` flows run at the same time, others wait.

    Raises InputError when the port is taken or another process serves the home, OrchestratorError when the server
    does not start.
    """
    over = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals(over))
        stack.enter_context(alone(settings.prefect, settings.locks))
        _check_port(port)
        renew_damaged_database(settings)
        server = KeptProcess("Prefect's server", "flows.serving.web", [str(port)], log=settings.prefect / "server.log")
        server.start()
        stack.callback(server.stop)
        if not _wait_until_healthy(server, port, over, settings.prefect / "server.log"):
            return
        service = _set_up(settings, order, port, at_once)
        worker = KeptProcess("The worker", "flows.serving.worker", [order.pool])
        worker.start()
        stack.callback(worker.stop)  # before the server, which is told how its flows ended
        stack.enter_context(_noted(settings, port))
        ready(service)
        upkeep = Upkeep(server, worker, _duties(settings, order, port, at_once))
        while not over.wait(_LOOK_EVERY_S):
            upkeep.look()
        say("[dim]ending what runs; f2p serve continues it[/]")


def _set_up(settings: Settings, order: DeploymentOrder, port: int, at_once: int) -> Service:
    """Pool, deployments, and what an earlier service left."""
    from flows.serving.recovery import take_over

    names = _register(settings, order, at_once)
    take_over(settings, order.pool)
    page = address(port)
    return Service(
        page=page,
        reports=f"{page}/f2p/reports/",
        metrics=f"{page}/f2p/metrics",
        api=f"{page}/api",
        deployments=names,
        next_night=_next_night(order.cron) if order.characters else None,
    )


def _register(settings: Settings, order: DeploymentOrder, at_once: int) -> list[str]:
    """Tell the server of the pool and the deployments. Returns the names of these."""
    from flows.serving.registration import known_choices, register

    _make_pool(order.pool, at_once)
    order = replace(order, command=flow_command())
    return register(order, known_choices(settings, order, closed=True))


def flow_command() -> str:
    """How the worker starts a flow: without Prefect's own go-between it is the worker's child and notices its end."""
    from prefect.utilities.processutils import command_to_string

    return command_to_string([sys.executable, "-m", "prefect.engine"])


def _duties(settings: Settings, order: DeploymentOrder, port: int, at_once: int) -> Duties:
    from flows.serving.recovery import continue_crashed, take_over

    return Duties(
        is_healthy=partial(is_healthy, port),
        renew=partial(renew_damaged_database, settings),
        is_damaged=partial(is_damaged, server_database(settings)),
        register=partial(_register, settings, order, at_once),
        take_over=partial(take_over, settings, order.pool),
        go_on=partial(continue_crashed, settings, order.pool),
    )


def _make_pool(pool: str, at_once: int) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.workers.process import ProcessWorker

    template: dict[str, Any] = ProcessWorker.get_default_base_job_template()
    wanted = WorkPoolCreate(name=pool, type="process", base_job_template=template, concurrency_limit=at_once)
    with get_client(sync_client=True) as client:
        client.create_work_pool(wanted, overwrite=True)


def _next_night(cron: str) -> datetime:
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=cron, timezone="UTC")
    [night] = asyncio.run(schedule.get_dates(1))
    return night


def _check_port(port: int) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise InputError(f"port: {port} cannot be had ({error.strerror}); give another with --port") from error


def _wait_until_healthy(server: KeptProcess, port: int, over: threading.Event, log: Path) -> bool:
    """Whether the server is there; False when it is ``over`` before."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and server.is_running:
        if is_healthy(port):
            return True
        if over.wait(0.1):
            return False
    raise OrchestratorError(f"Prefect's server did not start; {log} says why")


@contextmanager
def _ended_by_signals(over: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM are the way to end a service: they are no errors."""
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _noted(settings: Settings, port: int) -> Iterator[None]:
    """While it is served, other commands on this home use its server instead of starting one on the same database."""
    note = served_note(settings)
    with appearing_file(note) as stream:
        stream.write(json.dumps({"api": f"{address(port)}/api", "pid": os.getpid()}).encode())
    try:
        yield
    finally:
        note.unlink(missing_ok=True)
