"""Where a pool's engines come from: started and watched by us, or dialling in by themselves."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from engine_bridge.errors import EngineTimeoutError, EngineUnavailableError
from engine_bridge.remote.bridge_end.hub import EngineHub
from engine_bridge.remote.bridge_end.remote_engine import RemoteEngine
from engine_bridge.remote.processes.adapters import Adapter, as_environment, fill
from engine_bridge.remote.processes.keeper import KeeperOrder
from engine_bridge.remote.processes.preparation import engine_environment, placeholders, prepare, variables
from engine_bridge.remote.processes.process import EngineProcess

_LOOK_S, _LAST_WORDS_S = 0.2, 1.0
_WEIGH_S: Final = 2.0


class EngineSource(Protocol):
    """Gives one thread of a pool its engine, again and again.

    warm_up_frames   at most so many are thrown away until two equal ones agree
    start_timeout_s  longest single frame while warming up; None leaves it to what the engine announces
    frame_timeout_s  a request unanswered for so long is lost; None leaves it to what the engine announces
    may_return       whether an engine that is sent away is to dial in again
    """

    @property
    def warm_up_frames(self) -> int: ...
    @property
    def start_timeout_s(self) -> float | None: ...
    @property
    def frame_timeout_s(self) -> float | None: ...
    @property
    def may_return(self) -> bool: ...

    def open(self) -> RemoteEngine:
        """A connected engine. Raises EngineUnavailableError when there is none to be had."""

    def reason_to_recycle(self, num_frames: int) -> str | None:
        """Why the engine should be replaced before it does more, None if it should not."""

    def why_it_ended(self) -> str:
        """What is known beyond the error of the connection; a few words, may be none."""

    def end(self) -> None:
        """See the engine off. Idempotent."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """Where engines are started, and with what: common to all instances of a pool. Any thread may use it."""

    adapter: Adapter
    options: Mapping[str, str]
    token: str = field(repr=False)
    work_root: Path
    log_folder: Path
    character_folders: tuple[Path, ...] = ()
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _prepared: list[Path] = field(default_factory=list, repr=False, compare=False)

    def prepared(self) -> Path:
        """The adapter's work folder, prepared if that was never done; what lies in the folders is read only once."""
        with self._turn:
            if not self._prepared:
                self._prepared.append(prepare(self.adapter, self.work_root, self.character_folders))
            return self._prepared[0]


class StartedEngine:
    """One instance of an adapter, started and watched by us. ``gpu`` is the only GPU it shall see."""

    may_return = False

    def __init__(self, workplace: Workplace, hub: EngineHub, slot: int, gpu: int | None) -> None:
        self._workplace, self._hub, self._slot, self._gpu = workplace, hub, slot, gpu
        self._url = hub.url
        self._process: EngineProcess | None = None
        self._weighed_at = self._memory_bytes = 0.0
        self.warm_up_frames = workplace.adapter.warm_up_frames
        self.start_timeout_s = workplace.adapter.start_timeout_s
        self.frame_timeout_s = workplace.adapter.frame_timeout_s

    def open(self) -> RemoteEngine:
        """Prepare the adapter if that was never done, start it, and wait until it has dialled in."""
        adapter = self._workplace.adapter
        missing = adapter.missing()
        if missing:
            raise EngineUnavailableError(f"{adapter.name}: {'; '.join(missing)}")
        instance = f"{adapter.name}-{self._slot}-{secrets.token_hex(4)}"
        try:
            self._process = self._start(instance)
            return await_hello(self._hub, instance, adapter, self._process)
        except OSError as error:
            raise EngineUnavailableError(f"{adapter.name}: cannot be started: {error}") from error

    def reason_to_recycle(self, num_frames: int) -> str | None:
        adapter = self._workplace.adapter
        if adapter.recycle_after_frames and num_frames >= adapter.recycle_after_frames:
            return f"{num_frames} frames"
        if adapter.memory_limit_mb and self._memory_mb() > adapter.memory_limit_mb:
            return f"{self._memory_mb():.0f} MB of memory"
        return None

    def why_it_ended(self) -> str:
        if self._process is None:
            return ""
        self._process.wait(_LAST_WORDS_S)
        return self._process.cause()

    def end(self) -> None:
        """It has nothing to save, so it is killed with all that it started."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _start(self, instance: str) -> EngineProcess:
        work = self._workplace.prepared()
        self._weighed_at = self._memory_bytes = 0.0
        return EngineProcess(self._order(work, instance))

    def _order(self, work: Path, instance: str) -> KeeperOrder:
        place, adapter = self._workplace, self._workplace.adapter
        place.log_folder.mkdir(parents=True, exist_ok=True)
        scratch = work / "scratch" / instance
        scratch.mkdir(parents=True)
        values = placeholders(adapter, work, place.character_folders, str(self._gpu or 0))
        return KeeperOrder(
            command=tuple(fill(word, values) for word in adapter.command),
            environment={
                **engine_environment(work, scratch),
                **_gpu_environment(self._gpu),
                **variables(adapter, values),
                **as_environment(place.options),
                "F2P_BRIDGE_URL": self._url,
                "F2P_BRIDGE_TOKEN": place.token,
                "F2P_ENGINE_INSTANCE": instance,
                "F2P_CHARACTER_FOLDERS": values["characters"],
            },
            folder=str(work),
            log=str(place.log_folder.resolve() / f"{adapter.name}-{os.getpid()}-{self._slot}.log"),
            scratch=str(scratch),
            needs_screen=adapter.display == "xvfb",
        )

    def _memory_mb(self) -> float:
        """Weighed now and then only: all processes of the machine are looked through for it."""
        now = time.monotonic()
        if self._process is not None and now > self._weighed_at + _WEIGH_S:
            self._weighed_at, self._memory_bytes = now, self._process.memory_bytes()
        return self._memory_bytes / 1e6


class VisitingEngine:
    """An engine that somebody else started and that dials in; when it leaves, the next one is welcome."""

    warm_up_frames = Adapter.warm_up_frames
    start_timeout_s = frame_timeout_s = None
    may_return = True

    def __init__(self, hub: EngineHub, closing: threading.Event) -> None:
        self._hub, self._closing = hub, closing

    def open(self) -> RemoteEngine:
        """Waits as long as it takes; a call that finds no engine at all has a deadline of its own."""
        while not self._closing.is_set():
            with contextlib.suppress(EngineTimeoutError):
                return self._hub.accept(None, timeout_s=_LOOK_S)
        raise EngineUnavailableError("the engines were closed")

    def reason_to_recycle(self, num_frames: int) -> str | None:  # noqa: ARG002
        return None

    def why_it_ended(self) -> str:
        return ""

    def end(self) -> None:
        """It is not ours to end."""


def await_hello(hub: EngineHub, instance: str, adapter: Adapter, process: EngineProcess | None) -> RemoteEngine:
    """The engine of that instance name, when it has dialled in. Raises EngineUnavailableError when it does not.

    An engine whose process has ended is not waited for any longer.
    """
    deadline = time.monotonic() + adapter.start_timeout_s
    while True:
        try:
            return hub.accept(instance, timeout_s=_LOOK_S)
        except EngineTimeoutError:
            if process is not None and not process.is_running:
                raise EngineUnavailableError(f"{adapter.name}: {process.how_it_ended()}") from None
            if time.monotonic() > deadline:
                said = f"; {process.how_it_ended()}" if process else ""
                raise EngineUnavailableError(
                    f"{adapter.name}: no hello within {adapter.start_timeout_s:.0f} s of its start{said}"
                ) from None


def _gpu_environment(gpu: int | None) -> dict[str, str]:
    """What CUDA, EGL and a program of its own understand."""
    if gpu is None:
        return {}
    return {"CUDA_VISIBLE_DEVICES": str(gpu), "EGL_DEVICE_ID": str(gpu), "F2P_GPU": str(gpu)}
