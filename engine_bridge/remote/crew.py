"""What the threads of a pool share: the call they work on, the run's identity, and how it all ends."""

from __future__ import annotations

import threading

from engine_bridge.errors import EngineBuildChangedError, EngineUnavailableError
from engine_bridge.remote.call import Call
from engine_bridge.remote.record import Ledger
from engine_bridge.remote.references import References
from engine_bridge.remote.remote_engine import RemoteEngine
from engine_bridge.remote.supervisor import RestartBudget


class Crew:
    """Any thread may use it. Once it has given up, every call fails with the same error."""

    def __init__(self, *, restarts: RestartBudget | None, references: References) -> None:
        self.references, self.ledger = references, Ledger()
        self.closing = threading.Event()
        self._restarts = restarts
        self._first: RemoteEngine | None = None
        self._call: Call | None = None
        self._error: Exception | None = None
        self._num_engines = 0
        self._changed = threading.Condition()

    @property
    def first(self) -> RemoteEngine | None:
        """The engine that the run was begun with; it may be gone by now, its identity stays."""
        return self._first

    @property
    def num_engines(self) -> int:
        """Engines that are connected and have work to do."""
        return self._num_engines

    def begin(self, call: Call) -> None:
        """Have everybody work on this call."""
        with self._changed:
            self._call = call
            if self._error is not None:
                call.fail(self._error)
            self._changed.notify_all()

    def next_call(self) -> Call | None:
        """The current call as soon as a request of it waits; None when all is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.closing.is_set() or (self._call is not None and self._call.num_waiting))
            return None if self.closing.is_set() else self._call

    def wake(self) -> None:
        """Requests wait again, or all is over."""
        with self._changed:
            self._changed.notify_all()

    def join(self, engine: RemoteEngine) -> None:
        """An engine has come. Raises EngineBuildChangedError when it is not what the run was begun with."""
        with self._changed:
            if self._first is None:
                self._first = engine
            _check_identity(engine, self._first)
            self._num_engines += 1
            self._changed.notify_all()

    def leave(self) -> None:
        """An engine has gone."""
        with self._changed:
            self._num_engines -= 1

    def note_restart(self, reason: str) -> None:
        """Raises EngineUnavailableError when that was one too many."""
        self.ledger.restart(reason)
        if self._restarts is not None:
            self._restarts.spend(reason)

    def give_up(self, error: Exception) -> None:
        """Nothing more can be rendered."""
        with self._changed:
            self._error = self._error or error
            if self._call is not None:
                self._call.fail(self._error)
            self._changed.notify_all()

    def wait_for_first(self, timeout_s: float) -> RemoteEngine:
        """The first engine, as soon as it has come. Raises what kept it from coming."""
        with self._changed:
            self._changed.wait_for(lambda: self._first is not None or self._error is not None, timeout_s)
            if self._error is not None:
                raise self._error
            if self._first is None:
                raise EngineUnavailableError(f"no engine has come within {timeout_s:.0f} s")
            return self._first


def _check_identity(engine: RemoteEngine, first: RemoteEngine) -> None:
    if (engine.name, engine.build) != (first.name, first.build):
        raise EngineBuildChangedError(
            f"the run was begun with {first.name} {first.build}, an engine came that is {engine.name} {engine.build}"
        )
    if _fingerprints(engine) != _fingerprints(first):
        raise EngineBuildChangedError(f"{engine.name} {engine.build} came back with other schemas than before")


def _fingerprints(engine: RemoteEngine) -> dict[str, str]:
    return {character: schema.fingerprint for character, schema in engine.schemas.items()}
