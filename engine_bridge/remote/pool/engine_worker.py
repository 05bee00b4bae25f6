"""A thread of a pool: one engine after another works on the jobs, and is replaced when it fails or is worn out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine_bridge.errors import (
    EngineBuildChangedError,
    EngineError,
    EngineLostError,
    EngineTimeoutError,
    EngineUnavailableError,
    InputError,
    RequestRefusedError,
)
from engine_bridge.frames import Frame, RenderRequest
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.pool.engine_sources import EngineSource
from engine_bridge.remote.pool.job import Job
from engine_bridge.remote.pool.pool_state import PoolState
from engine_bridge.remote.pool.proving import Proving
from engine_bridge.remote.pool.truth import Truth

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
#: Trouble of the moment: another engine, or this one a little later, may well draw the request.
_PASSING_REFUSALS: Final = ("overloaded", "render_failed")
_SMALLEST_SHARE: Final = 8
_WARM_UP_TRIES: Final = 3


@dataclass(frozen=True, kw_only=True)
class _Consequence:
    """What an error means: for the job, for the engine, and for the trust in it."""

    fails_job: bool
    ends_engine: bool
    is_untruth: bool = False


#: From the error to what follows; the first line that fits counts. What an engine did not prove is always given back.
_CONSEQUENCES: Final = (
    (EngineLostError, _Consequence(fails_job=False, ends_engine=True)),
    (EngineTimeoutError, _Consequence(fails_job=False, ends_engine=True)),
    (RequestRefusedError, _Consequence(fails_job=True, ends_engine=False)),
    (InputError, _Consequence(fails_job=True, ends_engine=False)),
    (EngineError, _Consequence(fails_job=True, ends_engine=True, is_untruth=True)),
)


class EngineWorker(threading.Thread):
    """Works until the pool closes. What ends it otherwise ends the pool: there is no use in trying on."""

    def __init__(self, name: str, source: EngineSource, state: PoolState, canary_every: int) -> None:
        super().__init__(name=name, daemon=True)
        self._source, self._state, self._canary_every = source, state, canary_every

    def run(self) -> None:
        try:
            while not self._state.closing.is_set():
                self._employ(self._open())
        except Exception as error:
            self._state.give_up(error)
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
                if self._state.first is None or self._state.closing.is_set():
                    raise
                self._state.note_restart(str(error))
            self._state.closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _employ(self, engine: RemoteEngine) -> None:
        """See one engine in, through its work and out."""
        try:
            number = self._state.join(engine)
        except (EngineBuildChangedError, EngineUnavailableError) as error:
            engine.close(reason=str(error), again=False)
            if self._source.may_return and self._state.first is not None:
                return  # a visitor that does not fit: the run goes on without it
            raise
        trouble: EngineError | str | None = None
        try:
            trouble = WorkingEngine(engine, number, self._source, self._state, self._canary_every).work()
        except EngineError as error:
            trouble = error
        finally:
            self._state.leave()
            engine.close(reason=str(trouble or "the bridge needs this engine no more"), again=self._source.may_return)
            why = self._source.why_it_ended() if isinstance(trouble, EngineError) else ""
            self._source.end()
        if trouble and not self._state.closing.is_set():
            self._state.note_restart("; ".join(filter(None, (str(trouble), why))))


class WorkingEngine:
    """One connected engine, from its warm-up to its end.

    Truth is kept per character and size: what was measured once holds until the engine goes.
    """

    def __init__(
        self, engine: RemoteEngine, number: int, source: EngineSource, state: PoolState, canary_every: int
    ) -> None:
        self._engine, self._number, self._source, self._state = engine, number, source, state
        self._canary_every = canary_every
        self._truths: dict[tuple[str, int], Truth] = {}
        self._num_frames = 0
        self._is_spent = False  # worn out by its warm-up alone

    def work(self) -> str | None:
        """Until the engine is worn out or the pool closes. Raises EngineError when the engine failed.

        Returns what is wrong with one that was worn out before it drew anything for us: another will be so too.
        """
        while (job := self._state.next_job()) is not None:
            self._work_on(job)
            reason = self._reason_to_recycle()
            if reason is not None:
                self._state.ledger.count("recycles")
                limits = "raise memory_limit_mb or recycle_after_frames in its engine.toml"
                return f"recycled for {reason}, which its warm-up alone came to; {limits}" if self._is_spent else None
        return None

    def _work_on(self, job: Job) -> None:
        """Whatever goes wrong, the job learns of it."""
        proving = None
        try:
            truth = self._truth(job)
            stamped = self._engine.capabilities.stamp
            proving = Proving(job, truth, self._state.ledger, canary_every=self._canary_every, stamped=stamped)
            self._render(job, proving)
            self._state.ledger.noise(truth.noise)  # it may have learned of more
        except (EngineError, InputError) as error:
            if self._suffer(error, job, proving).ends_engine:
                raise
        finally:
            self._state.ledger.count("frames_discarded", proving.num_held if proving else 0)

    def _suffer(self, error: EngineError | InputError, job: Job, proving: Proving | None) -> _Consequence:
        """Do to the job what the error demands."""
        consequence = next(consequence for kind, consequence in _CONSEQUENCES if isinstance(error, kind))
        if consequence.is_untruth:
            self._state.note_untruth(self._engine)
        if consequence.fails_job:
            job.fail(error)
        elif proving is not None and isinstance(error, EngineError):
            job.blame(proving.suspects, error)
        job.give_back(proving.unproven if proving else ())
        self._state.wake()
        return consequence

    def _render(self, job: Job, proving: Proving) -> None:
        while job.num_waiting:
            self._stream(job, proving, proving.requests(self._share(job)))
            if not self._engine.capabilities.stamp:
                self._check(job, proving)
            if self._reason_to_recycle():  # looked at after some work only, so that every engine gets the job on
                break
        self._check(job, proving)  # it is worn out, a canary is in doubt, or the last frame came after its canary

    def _check(self, job: Job, proving: Proving) -> None:
        while proving.unproven and not job.is_over:
            self._stream(job, proving, proving.checks())

    def _stream(self, job: Job, proving: Proving, requests: Iterator[RenderRequest]) -> None:
        """A passing refusal ends the stream, but what came before it stays."""
        try:
            for answer in self._engine.stream(requests, deadline_s=self._source.frame_timeout_s):
                proving.take(answer.frame)
                self._state.ledger.time(answer.timings_ms)
                self._num_frames += 1
        except RequestRefusedError as error:
            if error.code not in _PASSING_REFUSALS:
                raise
            out, to_blame = proving.recall(error.request_ids)
            job.blame(to_blame, error)
            job.give_back(out)
            self._state.wake()

    def _share(self, job: Job) -> int:
        """What waits goes to a single engine; to several in ever smaller parts, so that they end together."""
        engines = self._state.num_engines
        part = job.num_waiting if engines == 1 else -(-job.num_waiting // (2 * engines))
        return min(max(_SMALLEST_SHARE, part), self._canary_every)

    def _truth(self, job: Job) -> Truth:
        key = job.character, job.resolution
        if key not in self._truths:
            schema, build = self._engine.describe(job.character), f"{self._engine.name} {self._state.build}"
            truth = Truth(schema, job.resolution, build, self._state.pictures, seed=self._number)
            truth.warm_up(self._render_one, self._source.warm_up_frames)
            truth.settle(self._render_one)
            self._state.ledger.noise(truth.noise)
            self._is_spent |= not self._truths and self._reason_to_recycle() is not None
            self._truths[key] = truth
        return self._truths[key]

    def _render_one(self, request: RenderRequest) -> Frame:
        """While warming up: a first frame may take longer than the engine announces for any other."""
        for tries_left in reversed(range(_WARM_UP_TRIES)):
            self._num_frames += 1
            try:
                (answer,) = self._engine.stream([request], deadline_s=self._source.start_timeout_s)
            except RequestRefusedError as error:
                if error.code not in _PASSING_REFUSALS or not tries_left:
                    raise
            else:
                return answer.frame
        raise AssertionError("the last try returns or raises")

    def _reason_to_recycle(self) -> str | None:
        return self._source.reason_to_recycle(self._num_frames)
