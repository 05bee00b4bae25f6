"""What happened to the engines of a run: what a manifest says about how far its pictures can be trusted."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from engine_bridge.remote.pool.canary_pictures import Difference


@dataclass(frozen=True, kw_only=True)
class EngineRecord:
    """One pool's account. Frames are counted when they are handed out, or thrown away; warm-up frames in neither.

    stamped          whether every frame proved by a stamp which request it belongs to
    repeatability    largest difference between two pictures of one vector in one instance: the noise floor
    canaries         canaries that were compared, and how many of them differed
    repeats          frames that were drawn a second time and compared, because the engine does not stamp
    restarts         why an instance had to be started again, in order
    recycles         planned restarts: enough frames, or too much memory
    timings_ms       means per frame, as the engine told them
    """

    engine: str
    build: str
    options: Mapping[str, str] = field(default_factory=dict)
    stamped: bool = True
    repeatability: Difference = field(default_factory=Difference)
    canaries: int = 0
    canary_failures: int = 0
    repeats: int = 0
    restarts: tuple[str, ...] = ()
    recycles: int = 0
    frames: int = 0
    frames_discarded: int = 0
    timings_ms: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {**asdict(self), "restarts": list(self.restarts)}


_COUNTERS: Final = ("canaries", "canary_failures", "repeats", "recycles", "frames", "frames_discarded")


class Ledger:
    """Where the threads of a pool write down what happens. Any thread may write at any time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noise = Difference()
        self._stamped = True
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._restarts: list[str] = []
        self._timings: dict[str, tuple[float, int]] = {}

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[what] += number

    def note_unstamped(self) -> None:
        """An engine works that does not stamp its frames."""
        with self._lock:
            self._stamped = False

    def restart(self, reason: str) -> None:
        with self._lock:
            self._restarts.append(reason)

    def noise(self, measured: Difference) -> None:
        with self._lock:
            self._noise = self._noise.worst(measured)

    def time(self, timings_ms: Mapping[str, float]) -> None:
        """The timings of one frame."""
        with self._lock:
            for name, spent in timings_ms.items():
                total, number = self._timings.get(name, (0.0, 0))
                self._timings[name] = total + spent, number + 1

    def record(self, engine: str, build: str, options: Mapping[str, str]) -> EngineRecord:
        """All of it so far."""
        with self._lock:
            return EngineRecord(
                engine=engine,
                build=build,
                options=dict(options),
                stamped=self._stamped,
                repeatability=self._noise,
                restarts=tuple(self._restarts),
                timings_ms={name: round(total / number, 3) for name, (total, number) in self._timings.items()},
                **self._counts,
            )
