"""The process that starts what is due: ``python -m flows.serving.worker POOL``, a process worker of Prefect.

It is Prefect's own worker. Added is that it ends with its standard input (``f2p serve`` holds the other end), that what
it started ends with it, and that it gives flows the time to close their records when it is terminated.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

from flows.progress import say
from flows.serving.supervision import end_with_input
from flows.settings import become_supervisor

GRACE_S: Final = 12.0
_LOOK_EVERY_S: Final = 0.2


async def work(pool: str) -> None:
    """Start what is due in the pool until this process is terminated."""
    from prefect.workers.process import ProcessWorker

    worker = ProcessWorker(work_pool_name=pool, name="f2p serve", create_pool_if_not_found=False)
    working = asyncio.create_task(worker.start(printer=say))
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    waiting = asyncio.create_task(terminated.wait())
    await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if terminated.is_set():
        await _end_flows()  # Prefect's worker would kill them without a word
        working.cancel()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _end_flows() -> None:
    """Terminate every process that this one started, and wait for their end."""
    for child in _children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            while _children():
                await asyncio.sleep(_LOOK_EVERY_S)


def _children() -> list[int]:
    """Processes that are this one's and have not ended, as Linux tells it; elsewhere none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]  # behind the name, which may hold anything
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(entry.parent.name))
    return found


if __name__ == "__main__":
    end_with_input()
    become_supervisor()
    asyncio.run(work(sys.argv[1]))
