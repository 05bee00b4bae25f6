"""The time between an engine's coming and its going: it is tried, then works on one call after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine_bridge.errors import EngineError, EngineLostError, EngineTimeoutError, InputError, RequestRefusedError
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.call import Call
from engine_bridge.remote.crew import Crew
from engine_bridge.remote.remote_engine import RemoteEngine
from engine_bridge.remote.round import Round
from engine_bridge.remote.supervisor import EngineSource
from engine_bridge.remote.truth import Truth

#: Trouble of the moment: another engine, or this one a little later, may well draw the request.
_PASSING_REFUSALS: Final = ("overloaded", "deadline", "render_failed")
_SMALLEST_SHARE: Final = 8


class Shift:
    """One engine at work. Truth is kept per character and size: what was measured once holds until the engine goes."""

    def __init__(self, engine: RemoteEngine, source: EngineSource, crew: Crew, canary_every: int) -> None:
        self._engine, self._source, self._crew, self._canary_every = engine, source, crew, canary_every
        self._truths: dict[tuple[str, int], Truth] = {}
        self._num_frames = 0

    def work(self) -> None:
        """Until the engine is worn out or the crew closes. Raises EngineError when the engine failed."""
        while (call := self._crew.next_call()) is not None:
            self._work_on(call)
            if self._is_worn_out():
                self._crew.ledger.count("recycles")
                return

    def _work_on(self, call: Call) -> None:
        """Whatever goes wrong, the call learns of it: lost requests are given back, an untruth ends the call."""
        done = None
        try:
            done = Round(call, self._truth(call), self._crew.ledger, self._canary_every)
            self._render(call, done)
        except (EngineLostError, EngineTimeoutError) as error:
            self._give_back(call, done, error)
            raise
        except RequestRefusedError as error:
            if error.code not in _PASSING_REFUSALS:
                call.fail(error)
            self._give_back(call, done, error)
        except InputError as error:
            call.fail(error)
        except EngineError as error:
            call.fail(error)
            raise
        finally:
            self._crew.ledger.count("frames_discarded", done.num_held if done else 0)

    def _render(self, call: Call, done: Round) -> None:
        while call.num_waiting:
            self._stream(done, done.requests(self._share(call)))
            if self._is_worn_out():  # looked at after some work only, so that every engine gets the call on
                break
        if done.unproven and not call.is_over:  # it is worn out, or its last frame came after its last canary
            self._stream(done, iter([done.canary()]))

    def _stream(self, done: Round, requests: Iterator[RenderRequest]) -> None:
        for answer in self._engine.stream(requests, deadline_s=self._source.frame_timeout_s):
            done.take(answer.frame)
            self._crew.ledger.time(answer.timings_ms)
            self._num_frames += 1

    def _share(self, call: Call) -> int:
        """What waits goes to a single engine; to several in ever smaller parts, so that they end together."""
        engines = self._crew.num_engines
        part = call.num_waiting if engines == 1 else -(-call.num_waiting // (2 * engines))
        return min(max(_SMALLEST_SHARE, part), self._canary_every)

    def _truth(self, call: Call) -> Truth:
        key = call.character, call.resolution
        if key not in self._truths:
            schema = self._engine.describe(call.character)
            truth = Truth(schema, call.resolution, self._engine.build, self._crew.references)
            truth.warm_up(self._render_one, self._source.warm_up_frames)
            truth.settle(self._render_one)
            self._crew.ledger.noise(truth.noise)
            self._truths[key] = truth
        return self._truths[key]

    def _render_one(self, request: RenderRequest) -> Frame:
        self._num_frames += 1
        return self._engine.render([request])[0]

    def _give_back(self, call: Call, done: Round | None, error: EngineError) -> None:
        call.give_back(done.unproven if done else (), error)
        self._crew.wake()

    def _is_worn_out(self) -> bool:
        return self._source.reason_to_recycle(self._num_frames) is not None
