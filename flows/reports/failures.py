"""What went wrong in a run, counted by cause: rejects, restarts, canaries, attempts thrown away, photos, gates."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from f2p_datasets.engine_log import RENDERED
from f2p_datasets.manifest import REJECTS_NAME, read_manifest
from flows.reports.outputs import Outputs

OUTCOME_FILE: Final = "outcome.json"
#: What differs between two failures of one cause: numbers, hashes, paths.
_PARTICULARS: Final = re.compile(r"(?:/[\w.-]+)+|\b[0-9a-f]{8,}\b|\d+(?:\.\d+)?")
_LONGEST: Final = 160


@dataclass(frozen=True, kw_only=True)
class Failure:
    """``kind`` is what happened, ``where`` the stage, ``cause`` the reason, ``count`` how often."""

    kind: str
    where: str
    cause: str
    count: int


def collect_failures(outputs: Outputs) -> list[Failure]:
    """Everything that was refused, thrown away, restarted or could not be done; the most frequent first."""
    found: list[Failure] = []
    for stage, folder in outputs.datasets().items():
        found += outputs.read(f"rejects of {stage}", [], _rejects, stage, folder)
        found += outputs.read(f"engine's log of {stage}", [], _of_engine, stage, folder)
    found += outputs.read("created characters", [], _creations, outputs)
    found += [
        Failure(kind="gate not met", where=gate.stage, cause=f"{gate.name}: {gate.detail}", count=1)
        for gate in outputs.run.gates
        if not gate.passed
    ]
    return sorted(found, key=lambda failure: -failure.count)


def by_cause(reasons: Iterable[str]) -> Counter[str]:
    """Reasons counted; those that differ only in numbers, hashes and paths are one cause, told as it first came."""
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for reason in reasons:
        text = " ".join(reason.split())[:_LONGEST]
        counts[first.setdefault(_PARTICULARS.sub("#", text), text)] += 1
    return counts


def _rejects(stage: str, folder: Path) -> list[Failure]:
    path = folder / REJECTS_NAME
    if not path.is_file():
        return []
    reasons = [json.loads(line)["reason"] for line in path.read_text(encoding="utf-8").splitlines()]
    return _failures("reject", stage, reasons)


def _of_engine(stage: str, folder: Path) -> list[Failure]:
    """What the manifest tells of a remote engine."""
    rendering = read_manifest(folder).rendering or {}
    attempts = [attempt for shard in rendering.get("attempts", {}).values() for attempt in shard]
    restarts = [str(why) for attempt in attempts for why in attempt["restarts"]]
    thrown = [attempt["outcome"] for attempt in attempts if attempt["outcome"] != RENDERED]
    return [
        *_failures("engine restarted", stage, restarts),
        *_failures("shard rendered again", stage, thrown),
        *_counted(stage, rendering),
    ]


def _counted(stage: str, rendering: Mapping[str, Any]) -> Iterator[Failure]:
    counters = {
        "canary_failures": ("canary failed", "a known face came out differently"),
        "frames_discarded": ("frame thrown away", "not confirmed by a canary, or of an engine that was lost"),
    }
    for name, (kind, cause) in counters.items():
        if rendering.get(name):
            yield Failure(kind=kind, where=stage, cause=cause, count=rendering[name])


def _creations(outputs: Outputs) -> list[Failure]:
    folder = outputs.folder("creation")
    if folder is None or not (folder / OUTCOME_FILE).is_file():
        return []
    outcome = json.loads((folder / OUTCOME_FILE).read_text(encoding="utf-8"))
    return _failures("photo skipped", "creation", outcome["failed"])


def _failures(kind: str, where: str, reasons: Iterable[str]) -> list[Failure]:
    return [Failure(kind=kind, where=where, cause=cause, count=count) for cause, count in by_cause(reasons).items()]
