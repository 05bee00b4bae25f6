"""What the threads of a pool share: the job they work on, the run's identity, and how it all ends."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from engine_bridge.errors import EngineBuildChangedError, EngineUnavailableError
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.canary_pictures import CanaryPictures
from engine_bridge.remote.pool.job import Job
from engine_bridge.remote.pool.record import Ledger

#: An engine of one name that was caught at so many untruths is not let in again.
_MOST_UNTRUTHS: Final = 3


class RestartBudget:
    """At most ``limit`` restarts in any window of time, for a whole pool. Any thread may use it."""

    def __init__(self, limit: int, window_s: float = 3600.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._window_s, self._clock = limit, window_s, clock
        self._spent: deque[float] = deque()
        self._lock = threading.Lock()

    def spend(self, reason: str) -> None:
        """Raises EngineUnavailableError, naming the reason for the last restart, when there were too many."""
        with self._lock:
            now = self._clock()
            while self._spent and self._spent[0] <= now - self._window_s:
                self._spent.popleft()
            if len(self._spent) >= self._limit:
                minutes = self._window_s / 60
                raise EngineUnavailableError(
                    f"{self._limit} restarts within {minutes:.0f} minutes are enough; the reason for the next: {reason}"
                )
            self._spent.append(now)


class PoolState:
    """Any thread may use it. Once it has given up, every job fails with the same error.

    restarts       None: no engine of ours, so nothing to limit
    needs_stamps   whether engines that do not stamp their frames are turned away
    options        what was chosen otherwise than by default, a part of the build: ``("lighting=engine",)``
    on_first       told the engine that the run is begun with
    """

    def __init__(
        self,
        *,
        restarts: RestartBudget | None = None,
        needs_stamps: bool = True,
        options: tuple[str, ...] = (),
        on_first: Callable[[RemoteEngine], object] = lambda _: None,
    ) -> None:
        self.pictures, self.ledger = CanaryPictures(), Ledger()
        self.closing = threading.Event()
        self._restarts, self._needs_stamps, self._options = restarts, needs_stamps, options
        self._on_first = on_first
        self._first: RemoteEngine | None = None
        self._job: Job | None = None
        self._error: Exception | None = None
        self._num_engines = self._num_joined = 0
        self._untruths: Counter[str] = Counter()
        self._changed = threading.Condition()

    @property
    def first(self) -> RemoteEngine | None:
        """The engine that the run was begun with; it may be gone by now, its identity stays."""
        return self._first

    @property
    def build(self) -> str | None:
        """The first engine's build, and what was chosen otherwise than it is by default: ``4f2a+lighting=engine``."""
        return None if self._first is None else "+".join([self._first.build, *self._options])

    @property
    def num_engines(self) -> int:
        """Engines that are connected and have work to do."""
        return self._num_engines

    def begin(self, job: Job) -> None:
        """Have everybody work on this job."""
        with self._changed:
            self._job = job
            if self._error is not None:
                job.fail(self._error)
            self._changed.notify_all()

    def next_job(self) -> Job | None:
        """The current job as soon as a request of it waits; None when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.closing.is_set() or (self._job is not None and self._job.num_waiting))
            return None if self.closing.is_set() else self._job

    def wake(self) -> None:
        """Requests wait again, or all is over."""
        with self._changed:
            self._changed.notify_all()

    def join(self, engine: RemoteEngine) -> int:
        """An engine has come; its number in this pool, from 0.

        Raises EngineBuildChangedError when it is not what the run was begun with, EngineUnavailableError when it cannot
        be trusted.
        """
        with self._changed:
            self._check_trust(engine)
            _check_identity(engine, self._first or engine)
            if self._first is None:
                self._first = engine
                self._on_first(engine)
            if not engine.capabilities.stamp:
                self.ledger.note_unstamped()
            self._num_engines += 1
            self._num_joined += 1
            self._changed.notify_all()
            return self._num_joined - 1

    def leave(self) -> None:
        """An engine has gone."""
        with self._changed:
            self._num_engines -= 1

    def note_untruth(self, engine: RemoteEngine) -> None:
        """An engine was caught; one that somebody else started may come again, but not for ever."""
        with self._changed:
            self._untruths[engine.instance] += 1

    def note_restart(self, reason: str) -> None:
        """Raises EngineUnavailableError when that was one too many."""
        self.ledger.restart(reason)
        if self._restarts is not None:
            self._restarts.spend(reason)

    def give_up(self, error: Exception) -> None:
        """Nothing more can be rendered."""
        with self._changed:
            self._error = self._error or error
            if self._job is not None:
                self._job.fail(self._error)
            self._changed.notify_all()

    def wait_for_first(self, timeout_s: float) -> RemoteEngine:
        """The first engine, as soon as it has come. Raises what kept it from coming, or what ended the run since."""
        with self._changed:
            self._changed.wait_for(lambda: self._first is not None or self._error is not None, timeout_s)
            if self._error is not None:
                raise self._error
            if self._first is None:
                raise EngineUnavailableError(f"no engine has come within {timeout_s:.0f} s")
            return self._first

    def _check_trust(self, engine: RemoteEngine) -> None:
        if self._untruths[engine.instance] >= _MOST_UNTRUTHS:
            raise EngineUnavailableError(
                f"engine {engine.instance}: caught at an untruth {_MOST_UNTRUTHS} times, so it is not let in again"
            )
        if self._needs_stamps and not engine.capabilities.stamp:
            raise EngineUnavailableError(
                f"{engine.name}: it does not stamp its frames, so one that is late or swapped could pass for true; "
                'have it draw stamps, or accept the risk: stamps = "optional" in its engine.toml, or behind its '
                "address: ws://HOST:PORT?stamps=optional"
            )


def _check_identity(engine: RemoteEngine, first: RemoteEngine) -> None:
    if (engine.name, engine.build) != (first.name, first.build):
        raise EngineBuildChangedError(
            f"the run was begun with {first.name} {first.build}, an engine came that is {engine.name} {engine.build}"
        )
    if fingerprints(engine) != fingerprints(first):
        raise EngineBuildChangedError(f"{engine.name} {engine.build} came back with other schemas than before")


def fingerprints(engine: RemoteEngine) -> dict[str, str]:
    """Of the engine's schemas, by character type."""
    return {character: schema.fingerprint for character, schema in engine.schemas.items()}
