"""``HOME/logs/f2p.jsonl``: what happened, a JSON object per line, for people with ``jq`` and for log collectors.

Every line has ``time`` (UTC), ``level``, ``event``, ``run``, ``character``, ``stage`` and ``pid``; whatever else
belongs to the event comes after. Many processes write at once: a line is one write at the end of the file, and who
finds the file too long moves it to ``f2p.jsonl.1`` while nobody else does. A log that cannot be written stops no work.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Literal

from flows.settings import Settings

Level = Literal["info", "warning", "error"]

LOG_NAME: Final = "f2p.jsonl"
#: A night of a hundred characters writes about 1 MB.
LARGEST_BYTES: Final = 10_000_000
NUM_OLD_FILES: Final = 5


def log(
    settings: Settings,
    event: str,
    /,
    *,
    level: Level = "info",
    run: str = "",
    character: str = "",
    stage: str = "",
    **facts: Any,
) -> None:
    """One line. ``facts`` are plain JSON; what is not becomes text. Never raises because of the disk."""
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level,
        "event": event,
        "run": run,
        "character": character,
        "stage": stage,
        "pid": os.getpid(),
    }
    with contextlib.suppress(OSError):  # a full disk is told by the work itself
        _append(settings.logs / LOG_NAME, _encoded(line | facts | line))  # no fact takes a column's place


@contextmanager
def logged_stage(settings: Settings, *, run: str, character: str, stage: str, title: str) -> Iterator[dict[str, Any]]:
    """The lines of one stage of a run: begun, and finished or failed. The body adds facts to the last line."""
    whose: dict[str, Any] = {"run": run, "character": character, "stage": stage, "title": title}
    facts: dict[str, Any] = {}
    start = perf_counter()
    log(settings, "stage begun", **whose)
    try:
        yield facts
    except BaseException as error:
        failed = isinstance(error, Exception)  # Ctrl-C and Prefect's signal of termination are none
        facts |= {"error": str(error), "error_type": type(error).__name__, "seconds": _elapsed(start)}
        end = "stage failed" if failed else "stage interrupted"
        log(settings, end, level="error" if failed else "warning", **whose, **facts)
        raise
    log(settings, "stage finished", **whose, seconds=_elapsed(start), **facts)


def read_log(settings: Settings) -> list[dict[str, Any]]:
    """The lines of the newest file, oldest first, without those that a crash or a full disk cut short."""
    try:
        lines = (settings.logs / LOG_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def plain_json(value: Any) -> Any:
    """The value as strict JSON: text for what JSON does not know, infinities and NaN among it."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain_json(entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain_json(entry) for entry in value]
    return str(value)


def _elapsed(start: float) -> float:
    return round(perf_counter() - start, 3)


def _encoded(line: Mapping[str, Any]) -> bytes:
    return json.dumps(plain_json(line), ensure_ascii=False).encode("utf-8", errors="replace") + b"\n"


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    _rotate_if_long(path)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line if _ends_with_a_line(descriptor) else b"\n" + line)
    finally:
        os.close(descriptor)


def _ends_with_a_line(descriptor: int) -> bool:
    """Whether the last writer could finish: a line that was cut short must not swallow the next."""
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _rotate_if_long(path: Path) -> None:
    """Who gets the lock moves the files; the others go on writing to whichever file they have opened."""
    if not _is_long(path):
        return
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        if _is_long(path):
            _rotate(path)


def _is_long(path: Path) -> bool:
    try:
        return path.stat().st_size >= LARGEST_BYTES
    except FileNotFoundError:
        return False


def _rotate(path: Path) -> None:
    for number in range(NUM_OLD_FILES - 1, 0, -1):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(f"{path.name}.{number}").replace(path.with_name(f"{path.name}.{number + 1}"))
    path.replace(path.with_name(f"{path.name}.1"))
