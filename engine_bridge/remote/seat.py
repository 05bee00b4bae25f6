"""A thread of a pool: one engine after another, replaced when it fails or is worn out."""

from __future__ import annotations

import threading

from engine_bridge.errors import EngineError, EngineUnavailableError
from engine_bridge.remote.crew import Crew
from engine_bridge.remote.remote_engine import RemoteEngine
from engine_bridge.remote.shift import Shift
from engine_bridge.remote.supervisor import EngineSource

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0


class Seat(threading.Thread):
    """Works until the crew closes. What ends it otherwise ends the crew: there is no use in trying on."""

    def __init__(self, name: str, source: EngineSource, crew: Crew, canary_every: int) -> None:
        super().__init__(name=name, daemon=True)
        self._source, self._crew, self._canary_every = source, crew, canary_every

    def run(self) -> None:
        try:
            while not self._crew.closing.is_set():
                self._employ(self._open())
        except Exception as error:
            self._crew.give_up(error)
        finally:
            self._source.end()

    def _open(self) -> RemoteEngine:
        """Tries again after ever longer pauses; where no engine has ever come, that is of no use."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return self._source.open()
            except EngineUnavailableError as error:
                self._source.end()
                if self._crew.first is None or self._crew.closing.is_set():
                    raise
                self._crew.note_restart(str(error))
            self._crew.closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _employ(self, engine: RemoteEngine) -> None:
        """See one engine in, through its shift and out."""
        trouble = None
        try:
            self._crew.join(engine)
            trouble = self._trouble_of_shift(engine)
        finally:
            engine.close(reason=str(trouble or "the bridge needs this engine no more"), again=self._source.may_return)
            why = self._source.why_it_ended() if trouble else ""
            self._source.end()
        if trouble and not self._crew.closing.is_set():
            self._crew.note_restart("; ".join(filter(None, (str(trouble), why))))

    def _trouble_of_shift(self, engine: RemoteEngine) -> EngineError | None:
        try:
            Shift(engine, self._source, self._crew, self._canary_every).work()
        except EngineError as error:
            return error
        finally:
            self._crew.leave()
        return None
