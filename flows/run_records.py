"""The record of a run, ``runs/<id>/run.json``: what was ordered, what was done, which gates were met."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine_bridge.errors import InputError
from flows.engines.orders import MOCK
from flows.settings import Settings

RECORD_NAME: Final = "run.json"


@dataclass(kw_only=True)
class StepRecord:
    """One step of a run.

    ``inputs`` is what shaped its output, the source code's version as ``code`` among it: two nights' inputs say why the
    second had to do it again. ``figures`` are the few numbers and names a reader wants to see beside it.
    ``share`` is how much of the work was done in ``seconds``, in [0, 1]: the rest was left by an attempt that broke
    off, which has no record. 0 where it is not known how much that was.
    """

    title: str
    stage: str
    key: str
    folder: str
    cached: bool
    seconds: float
    share: float = 1.0
    inputs: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GateRecord:
    """One condition that a stage's output had to meet: what was found against what is asked, in one line."""

    stage: str
    name: str
    passed: bool
    detail: str


@dataclass(kw_only=True)
class RunRecord:
    """A run from its command to its result.

    ``status`` is running, finished, refused (by a gate), failed or interrupted.
    ``engine`` is the engine's name and build, ``ordered_engine`` what was given as ``--engine``.
    ``in_use`` is the folder of the step that is under way, or that the run broke off in.
    ``results`` are the files to look at, by name.
    """

    run_id: str
    character: str
    recipe: str
    engine: str
    seed: int
    started: str
    ordered_engine: str = MOCK
    status: str = "running"
    error: str = ""
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    steps: list[StepRecord] = field(default_factory=list)
    in_use: str = ""
    gates: list[GateRecord] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def work_seconds(self) -> float:
        """Seconds spent inside steps."""
        return sum(step.seconds for step in self.steps)

    def folder_of(self, stage: str) -> Path | None:
        """Where a stage of this run left its output; the last time, when it came twice (a segmenter that goes on)."""
        return next((Path(step.folder) for step in reversed(self.steps) if step.stage == stage), None)


class DamagedRecordError(InputError):
    """A run's record that cannot be read. What the run has made is not affected."""


def read_run(settings: Settings, run: str) -> RunRecord:
    """A run by its id, by a part of it that fits only one, or ``latest``. Raises InputError."""
    known = list_runs(settings)
    fitting = (
        known[-1:]
        if run == "latest"
        else [name for name in known if name == run] or [name for name in known if run in name]
    )
    if not fitting:
        raise InputError(f"run: no run {run!r} in {settings.runs}; {_known(known)}")
    if len(fitting) > 1:
        raise InputError(f"run: {run!r} fits {len(fitting)} runs ({', '.join(fitting[-3:])}); give more of the name")
    return _read_record(settings.runs / fitting[0])


def past_runs(settings: Settings, among: Sequence[str] | None = None) -> list[RunRecord]:
    """Every run whose record can be read, or of those ``among`` these ids (oldest first), the latest first."""
    records = []
    for run_id in reversed(list_runs(settings) if among is None else among):
        with suppress(DamagedRecordError):
            records.append(_read_record(settings.runs / run_id))
    return records


def list_runs(settings: Settings) -> list[str]:
    """Ids of all runs, oldest first."""
    records = settings.runs.glob(f"*/{RECORD_NAME}")
    return [path.parent.name for path in sorted(records, key=lambda path: (path.parent.stat().st_ctime_ns, path))]


def _read_record(folder: Path) -> RunRecord:
    path = folder / RECORD_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        steps = [StepRecord(**step) for step in data.pop("steps")]
        gates = [GateRecord(**gate) for gate in data.pop("gates", [])]
        return RunRecord(**data, steps=steps, gates=gates)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedRecordError(f"{path}: damaged ({error}); nothing is made from it, delete its folder") from error


def _known(known: list[str]) -> str:
    return f"the last ones are {', '.join(known[-3:])}" if known else "none was started yet"
