"""Signals to engines in the midst of their work, at seeded moments spread over a whole run.

A moment is counted in finished shards: 3.4 is when three are finished, and 0.4 of the time that one usually takes has
passed since. So the attacks meet the rendering wherever it is, on a fast machine or on a busy one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine_bridge.errors import EngineTimeoutError, InputError
from engine_bridge.remote.processes.process_tree import descendants

#: The pace has to be known before the first attack; and the work has to go on after the last one.
_SHARDS_BEFORE, _SHARDS_AFTER = 2, 1
_LOOK_S: Final = 0.02
#: Without a new shard for so long the run hangs: preparation, starts and every deadline of an engine are shorter.
_STALL_S: Final = 900.0
_IS_ENGINE: Final = b"F2P_ENGINE_INSTANCE="
_ESTABLISHED: Final = "01"  # state of a socket in /proc/net/tcp


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A signal to the process group of one engine, whichever that is by then."""

    moment: float
    signal: signal.Signals


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An attack that was carried out. ``at_s`` counts from the start of the run."""

    signal: str
    pid: int
    at_s: float
    shards: int


def plan_attacks(*, kills: int, stops: int, num_shards: int, seed: int) -> list[Attack]:
    """In order of time: one at a random moment of each of as many equal parts of the run. Raises InputError."""
    if num_shards <= _SHARDS_BEFORE + _SHARDS_AFTER:
        raise InputError(f"pairs: {num_shards} shards are too few to spread attacks over; render more pairs")
    draw, number = np.random.default_rng(seed), kills + stops
    fractions = (np.arange(number) + draw.random(number)) / max(number, 1)
    moments = _SHARDS_BEFORE + (num_shards - _SHARDS_BEFORE - _SHARDS_AFTER) * fractions
    signals = draw.permutation([signal.SIGKILL] * kills + [signal.SIGSTOP] * stops)
    return [
        Attack(moment=float(moment), signal=signal.Signals(int(number)))
        for moment, number in zip(moments, signals, strict=True)
    ]


class Attacker:
    """Attacks the engines below one process, which renders shards into ``folder``. No engine is attacked twice."""

    def __init__(self, render: subprocess.Popen[Any], folder: Path, seed: int) -> None:
        self._render, self._folder = render, folder
        self._draw = np.random.default_rng([seed, 1])
        self._began = time.monotonic()
        self.hits: list[Hit] = []

    def carry_out(self, attacks: list[Attack]) -> None:
        """One after the other, then wait for the end. Raises EngineTimeoutError when the run hangs."""
        for attack in attacks:
            if self._wait(lambda attack=attack: self._has_come(attack.moment)):  # type: ignore[misc]
                self._wait(lambda attack=attack: self._hit(attack.signal))  # type: ignore[misc]
        self._wait(lambda: False)

    def _wait(self, until: Callable[[], bool]) -> bool:
        """Whether it came about before the process ended."""
        shards, deadline = -1, 0.0
        while self._render.poll() is None:
            if until():
                return True
            if len(self._finished()) > shards:
                shards, deadline = len(self._finished()), time.monotonic() + _STALL_S
            if time.monotonic() > deadline:
                raise EngineTimeoutError(f"no shard was finished for {_STALL_S:.0f} s, {shards} were before")
            time.sleep(_LOOK_S)
        return False

    def _has_come(self, moment: float) -> bool:
        finished = self._finished()
        if len(finished) != int(moment):
            return len(finished) > moment
        pace_s = float(np.median(np.diff(finished)))
        return time.time() > finished[-1] + moment % 1 * pace_s

    def _hit(self, kind: signal.Signals) -> bool:
        """Signal any engine that was not hit before; False when there is none at the moment."""
        pids = sorted(set(engine_pids(self._render.pid)) - {hit.pid for hit in self.hits})
        if not pids:
            return False
        pid = int(self._draw.choice(pids))
        os.killpg(pid, kind)
        at_s = time.monotonic() - self._began
        self.hits.append(Hit(signal=kind.name, pid=pid, at_s=round(at_s, 2), shards=len(self._finished())))
        return True

    def _finished(self) -> list[float]:
        """When each finished shard appeared, sorted."""
        return sorted(path.stat().st_mtime for path in self._folder.glob("shard-*.parquet"))


def engine_pids(ancestor: int) -> list[int]:
    """The engines below a process that are connected to their bridge, sorted; not those that still start."""
    connected = _connected_sockets()
    return sorted(pid for pid in descendants(ancestor) if _is_engine(pid) and _sockets(pid) & connected)


def _is_engine(pid: int) -> bool:
    """Keepers make engines the leaders of their groups, and tell them which instance they are."""
    try:
        return os.getpgid(pid) == pid and _IS_ENGINE in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it has just ended
        return False


def _sockets(pid: int) -> set[str]:
    try:
        return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


def _connected_sockets() -> set[str]:
    """Established TCP connections, named as ``/proc/PID/fd`` names them."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{fields[9]}]" for fields in lines if fields[3] == _ESTABLISHED}
