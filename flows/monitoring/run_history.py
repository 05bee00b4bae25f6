"""What monitoring counts of the runs of a home. Records of runs that are over never change, so each is read once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.run_records import RECORD_NAME
from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class StageFigures:
    """A stage of a run. ``pairs`` is None where a stage makes none; ``rejects`` were drawn and thrown away.

    ``whole`` is whether all of it was done in ``seconds``: neither found done, nor begun by an attempt that broke off.
    """

    stage: str
    seconds: float
    whole: bool
    pairs: int | None
    rejects: int


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """What is counted of a run."""

    character: str
    status: str
    started: str
    stages: tuple[StageFigures, ...]
    refusals: tuple[tuple[str, str], ...]  # (stage, gate)


class RunHistory:
    """The runs under a home, oldest first. Any thread may ask."""

    def __init__(self, settings: Settings) -> None:
        self._runs = settings.runs
        self._known: dict[Path, tuple[int, RunFigures]] = {}
        self._lock = threading.Lock()
        self.num_damaged = 0

    def read(self) -> list[RunFigures]:
        """All of them; those whose records cannot be read are counted in ``num_damaged``."""
        with self._lock:
            paths = list(self._runs.glob(f"*/{RECORD_NAME}"))
            self._known = dict(self._read_each(paths))
            self.num_damaged = len(paths) - len(self._known)
            return sorted((figures for _, figures in self._known.values()), key=lambda run: run.started)

    def _read_each(self, paths: list[Path]) -> Iterator[tuple[Path, tuple[int, RunFigures]]]:
        for path in paths:
            try:
                changed = path.stat().st_mtime_ns
                known = self._known.get(path)
                yield path, known if known and known[0] == changed else (changed, _read(path))
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue


def last_of_each_stage(runs: list[RunFigures], *, whole: bool) -> dict[tuple[str, str], StageFigures]:
    """(character, stage) -> its last figures; with ``whole`` of the last time that all of it was done."""
    return {(run.character, step.stage): step for run in runs for step in run.stages if step.whole or not whole}


def count_by_status(runs: list[RunFigures]) -> Counter[tuple[str, str]]:
    """(character, status) -> runs that are over."""
    return Counter((run.character, run.status) for run in runs if run.status != "running")


def count_refusals(runs: list[RunFigures]) -> Counter[tuple[str, str, str]]:
    """(character, stage, gate) -> how often the gate said no."""
    return Counter((run.character, stage, gate) for run in runs for stage, gate in run.refusals)


def _read(path: Path) -> RunFigures:
    record = json.loads(path.read_text(encoding="utf-8"))
    return RunFigures(
        character=str(record["character"]),
        status=str(record["status"]),
        started=str(record["started"]),
        stages=tuple(_stage(step) for step in record["steps"]),
        refusals=tuple((gate["stage"], gate["name"]) for gate in record.get("gates", []) if not gate["passed"]),
    )


def _stage(step: Mapping[str, Any]) -> StageFigures:
    figures = step.get("figures", {})
    pairs = figures.get("pairs", figures.get("photos"))
    return StageFigures(
        stage=str(step["stage"]),
        seconds=float(step["seconds"]),
        whole=not step["cached"] and float(step.get("share", 1.0)) == 1.0,
        pairs=None if pairs is None else int(pairs),
        rejects=int(figures.get("rejects", 0)),
    )
