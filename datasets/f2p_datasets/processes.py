"""Worker processes: forked from a clean server process, never from a parent that runs threads or holds a GPU."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing import connection, parent_process
from multiprocessing.context import ForkServerContext
from typing import Final

#: Imported once by the server, so that a worker starts in milliseconds. The server starts once per program, hence one
#: list for all kinds of workers.
_PRELOADED: Final = ["f2p_datasets.loaders.streaming", "f2p_datasets.photo_sets"]


def worker_context() -> ForkServerContext:
    """How this package starts processes. A program that uses it needs ``if __name__ == "__main__":``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


def end_with_parent(*_: object) -> None:
    """Called first thing in a worker: it ends itself once the process that asked for it is gone, even if killed.

    The worker's parent in the process table is the server; the sentinel belongs to the process that asked.
    """
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_exit_after, args=(parent.sentinel,), daemon=True).start()


def _exit_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
