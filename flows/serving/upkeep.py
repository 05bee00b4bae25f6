"""While it serves, ``f2p serve`` looks every second: who has ended, what was cut off, is the server's database sound?

The order is the point. A server starts on a sound database; one that was made anew is told of the deployments first;
and a worker starts only when what the one before it left is settled, or that would count as running for ever.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final, Protocol
from urllib.request import urlopen

from rich.markup import escape

from flows.progress import say
from flows.serving.web import address

RECOVER_EVERY_S: Final = 15.0
_HEALTH_DEADLINE_S: Final = 5.0


class Kept(Protocol):
    """What is asked of a :class:`flows.serving.supervision.KeptProcess`."""

    def keep(self, before: Callable[[], bool]) -> bool:
        """Start it again if it has ended and ``before`` agrees. Returns whether it was started."""

    def stop(self) -> None:
        """End it."""


@dataclass(frozen=True, kw_only=True)
class Duties:
    """What is done besides starting processes. All but ``is_healthy`` may raise anything: they are tried again.

    is_healthy   whether the server answers
    renew        puts a damaged database aside, if it is one and the server has ended; returns whether it was
    is_damaged   whether the database of the running server is damaged
    register     tells the server of the pool and the deployments
    take_over    settles what a worker that has ended left
    go_on        starts again what has crashed
    """

    is_healthy: Callable[[], bool]
    renew: Callable[[], bool]
    is_damaged: Callable[[], bool]
    register: Callable[[], object]
    take_over: Callable[[], object]
    go_on: Callable[[], object]


class Upkeep:
    """Keeps a server and a worker going that both have been started, with everything registered."""

    def __init__(self, server: Kept, worker: Kept, duties: Duties) -> None:
        self._server, self._worker, self._duties = server, worker, duties
        self._is_registered = True
        self._trouble = ""
        self._recover_at = time.monotonic() + RECOVER_EVERY_S

    def look(self) -> None:
        """Do what is to be done now; what the server cannot be asked at the moment waits for the next look."""
        self._server.keep(before=self._find_database)
        if not self._is_registered:
            self._is_registered = self._is_done(self._duties.register)
        self._worker.keep(before=self._settle)
        if time.monotonic() >= self._recover_at:
            self._recover_at = time.monotonic() + RECOVER_EVERY_S
            self._is_done(self._duties.go_on)

    def _find_database(self) -> bool:
        if self._duties.renew():
            self._is_registered = False
        return True

    def _settle(self) -> bool:
        return self._is_registered and self._is_done(self._duties.take_over)

    def _is_done(self, duty: Callable[[], object]) -> bool:
        """Whether it could be done. A server that is starting is not asked: its clients would wait for it a minute."""
        if not self._duties.is_healthy():
            return False
        try:
            with _impatient():
                duty()
        except Exception as error:  # whatever it is: the nights depend on that it is tried again
            self._tell(error)
            return False
        self._trouble = ""
        return True

    def _tell(self, error: Exception) -> None:
        """Once per trouble; and a server that answers with errors because its database is damaged is ended."""
        trouble = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        if trouble != self._trouble:
            say(f"[yellow]Prefect's server could not be told; tried again until it can ({escape(trouble)})[/]")
        self._trouble = trouble
        if self._duties.is_damaged():
            self._server.stop()  # it is started again on a new one


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Prefect's clients try once more only: the other process has to be looked after too, and a signal to be heard."""
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1}):
        yield


def is_healthy(port: int) -> bool:
    """Whether the server answers."""
    with (
        contextlib.suppress(OSError, HTTPException),
        urlopen(f"{address(port)}/api/health", timeout=_HEALTH_DEADLINE_S),
    ):
        return True
    return False
