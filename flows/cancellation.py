"""Cancellation in Prefect's own page or command line, of a run that was started by ``f2p`` itself.

Prefect kills what its runners and workers have started. A flow that is simply called, as ``f2p run`` does it, nobody
kills: it would go on rendering under the state *Cancelling*. So it looks at its own state now and then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from flows.progress import say

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

LOOK_EVERY_S: Final = 2.0
#: Interrupts the main thread. Not SIGINT: a shell's background jobs, and so many a night's run, are deaf to it.
_INTERRUPT: Final = signal.SIGUSR2
#: Prefect's runners tell a process by it which flow run it is; they end that one themselves.
_STARTED_BY_RUNNER: Final = "PREFECT__FLOW_RUN_ID"


@contextmanager
def heeding_cancellation() -> Iterator[None]:
    """Inside it, cancelling this flow run in Prefect is as good as Ctrl-C; at the end of it Prefect is told.

    Outside of a flow, outside of the main thread, or where a runner of Prefect does the killing, it does nothing.
    """
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    flow_run = context.flow_run if context else None
    is_main = threading.current_thread() is threading.main_thread()
    if flow_run is None or not is_main or os.environ.get(_STARTED_BY_RUNNER) == str(flow_run.id):
        yield
        return
    before = signal.signal(_INTERRUPT, signal.default_int_handler)
    over, cancelled, turn = threading.Event(), threading.Event(), threading.Lock()
    watcher = threading.Thread(target=_watch, args=(flow_run, over, cancelled, turn), name="cancellation", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        with turn:  # no signal may come once nobody handles it
            over.set()
        signal.signal(_INTERRUPT, before)
        if cancelled.is_set():
            _confirm(flow_run)


def is_cancellation(error: BaseException) -> bool:
    """Whether it is what Prefect raises of a flow that was cancelled."""
    prefect = sys.modules.get("prefect.exceptions")  # not imported here: then nothing of Prefect has run
    return prefect is not None and isinstance(error, prefect.CancelledRun)


def _watch(flow_run: FlowRun, over: threading.Event, cancelled: threading.Event, turn: threading.Lock) -> None:
    while not over.wait(LOOK_EVERY_S):
        if not _is_cancelled(flow_run):
            continue
        cancelled.set()
        say("  [yellow]cancelled in Prefect[/]")
        main = threading.main_thread().ident
        with turn:
            if main is not None and not over.is_set():
                signal.pthread_kill(main, _INTERRUPT)  # a real signal wakes a thread that waits for a lock
        return


def _is_cancelled(flow_run: FlowRun) -> bool:
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run.id).state
    except Exception:  # a server that is away for a moment cancels nothing
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())


def _confirm(flow_run: FlowRun) -> None:
    """Everything has stopped. Prefect's engine reports nothing more about a run that has its final state."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelled

    state: State[Any] = Cancelled(message="Stopped by f2p; the same order continues it.")
    try:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, state, force=True)
    except Exception:  # then it stays Cancelling, and the record of the run says what happened
        return
    flow_run.state = state
