"""What happened to the engine while a dataset was rendered.

    shard-000003.engine.jsonl    one line per attempt at the shard: how it ended, and what the checks on the engine saw

Only engines that are watched have such a log; the mock engine inside our own process has none. The log is about the
rendering and not about the pairs: it differs between two runs that end with the same pairs, so neither the dataset's
key nor the hash of its manifest covers it. Attempts that were thrown away stay in it: they are the interesting ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from engine_bridge.bridge import EngineBridge
from f2p_datasets.durable import appearing_file
from f2p_datasets.errors import DatasetError
from f2p_datasets.provenance import Provenance

LOG_SUFFIX: Final = ".engine.jsonl"
RENDERED: Final = "rendered"
#: Counters of an engine's record: an attempt's share is the difference of before and after.
COUNTERS: Final = ("frames", "frames_discarded", "canaries", "canary_failures", "recycles")
#: How many restarts of an engine are in logs. A pool learns of one late, even after the attempt that it disturbed.
_LOGGED_RESTARTS: Final = WeakKeyDictionary[EngineBridge, int]()

Attempt = dict[str, Any]


class EngineRecord(Protocol):
    """What a watched engine says about its life so far (``engine_bridge.remote.pool.record``)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types: engine, build, repeatability, restarts and the counters."""


def log_path(folder: Path, name: str) -> Path:
    """Where the attempts at a shard are logged."""
    return (folder / name).with_suffix(LOG_SUFFIX)


@contextmanager
def logged_attempt(engine: EngineBridge, path: Path, dataset_key: str) -> Iterator[None]:
    """Add what happens to the engine in this block to the log, however it ends. Does nothing for unwatched engines."""
    before = _record(engine)
    outcome = RENDERED
    try:
        yield
    except GeneratorExit:  # whoever took the pairs stopped taking them
        outcome = "thrown away: it could not be written"
        raise
    except BaseException as error:
        outcome = f"thrown away: {type(error).__name__}: {error}".rstrip(": ")
        raise
    finally:
        after = _record(engine)
        if after is not None:
            attempt = {**_share(before or {}, after), "restarts": _fresh_restarts(engine, after)}
            _append(path, {"dataset": dataset_key, "outcome": outcome, **attempt})


def read_attempts(folder: Path, name: str, dataset_key: str) -> list[Attempt]:
    """All attempts at a shard of that dataset, in order. Raises DatasetError for a log that cannot be read."""
    path = log_path(folder, name)
    if not path.is_file():
        return []
    try:
        attempts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [attempt for attempt in attempts if attempt["dataset"] == dataset_key]
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: not an engine's log ({error}); delete it") from error


def find_builds(folder: Path, dataset_key: str) -> set[tuple[str, str]]:
    """Engines and builds that rendered anything of a dataset in the folder, as far as logs say."""
    names = [path.name.removesuffix(LOG_SUFFIX) + ".tar" for path in sorted(folder.glob(f"shard-*{LOG_SUFFIX}"))]
    attempts = [attempt for name in names for attempt in read_attempts(folder, name, dataset_key)]
    return {(str(attempt["engine"]), str(attempt["build"])) for attempt in attempts}


def summarize_rendering(folder: Path, names: Sequence[str], provenance: Provenance) -> dict[str, Any] | None:
    """The manifest's section about the engine: totals over all attempts, then every attempt by shard.

    ``repeatability`` is the largest difference that two pictures of the same vector ever had; ``stamped`` is false when
    an engine could not prove by stamps which request a frame belongs to. None without a log.
    Raises DatasetError when attempts came from different builds.
    """
    by_shard = {name: read_attempts(folder, name, provenance.key) for name in names}
    attempts = [attempt for shard in by_shard.values() for attempt in shard]
    if not attempts:
        return None
    summary = {
        "engine": provenance.engine,
        "build": provenance.engine_build,
        "stamped": all(attempt.get("stamped", True) for attempt in attempts),
        "repeatability": _largest([attempt["repeatability"] for attempt in attempts]),
        **{name: sum(attempt[name] for attempt in attempts) for name in COUNTERS},
        "restarts": sum(len(attempt["restarts"]) for attempt in attempts),
        "attempts": by_shard,
    }
    check_builds(summary, provenance)
    return summary


def check_builds(summary: Mapping[str, Any], provenance: Provenance) -> None:
    """Raise DatasetError unless every attempt was rendered by the engine and build that the dataset states."""
    stated = (provenance.engine, provenance.engine_build)
    for name, attempts in summary["attempts"].items():
        for attempt in attempts:
            if (attempt["engine"], attempt["build"]) != stated:
                raise DatasetError(
                    f"{name}: rendered by {attempt['engine']} {attempt['build']}, the dataset by {stated[0]} "
                    f"{stated[1]}: the engine changed half-way; delete the folder and render again"
                )


def _record(engine: EngineBridge) -> dict[str, Any] | None:
    record: EngineRecord | None = getattr(engine, "record", None)
    return None if record is None else record.to_dict()


def _share(before: Mapping[str, Any], after: Mapping[str, Any]) -> Attempt:
    """What an attempt adds to the engine's record."""
    return {
        "engine": after["engine"],
        "build": after["build"],
        "stamped": after.get("stamped", True),
        "repeatability": after["repeatability"],
        **{name: after[name] - before.get(name, 0) for name in COUNTERS},
    }


def _fresh_restarts(engine: EngineBridge, record: Mapping[str, Any]) -> list[str]:
    """Those that no log has yet: also those from before the attempt, which no other one would tell."""
    restarts = list(record["restarts"])
    logged = _LOGGED_RESTARTS.get(engine, 0)
    _LOGGED_RESTARTS[engine] = len(restarts)
    return restarts[logged:]


def _largest(measured: Sequence[Mapping[str, float] | None]) -> dict[str, float]:
    largest: dict[str, float] = {}
    for differences in filter(None, measured):
        for name, value in differences.items():
            largest[name] = max(value, largest.get(name, value))
    return largest


def _append(path: Path, attempt: Attempt) -> None:
    """The whole file is written anew: a line that a crash cut short would spoil the next one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    earlier = path.read_bytes() if path.is_file() else b""
    with appearing_file(path) as stream:
        stream.write(earlier + json.dumps(attempt, sort_keys=True).encode() + b"\n")
