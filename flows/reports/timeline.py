"""The steps of a run: how long each took, whether it was found done, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.reports.changes import explain
from flows.reports.outputs import Outputs
from flows.run_records import RunRecord, StepRecord

#: What a stage is about; the strip of a run's time is colored by it.
_KINDS: Final = {
    "studio": "data",
    "template": "data",
    "photo-like": "data",
    "heldout-photos": "data",
    "photos": "data",
    "parsing": "data",
    "imitator": "training",
    "segmenter": "training",
    "translator": "training",
    "priors": "training",
    "evaluation": "evaluation",
    "version": "result",
    "creation": "result",
}
KINDS: Final = {
    "data": "rendering and photos",
    "training": "training",
    "evaluation": "evaluation",
    "result": "publishing and creating",
    "between": "between the steps",
}


@dataclass(frozen=True, kw_only=True)
class StepLine:
    """A step in the table. ``share`` is its part of the longest one, ``why`` why it was done or where it came from."""

    title: str
    stage: str
    key: str
    kind: str
    cached: bool
    seconds: float
    share: float
    why: str
    figures: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A stretch of the run's time, from ``start`` on for ``width``, both percent of the whole."""

    title: str
    kind: str
    start: float
    width: float


def step_lines(outputs: Outputs, earlier: Sequence[RunRecord]) -> list[StepLine]:
    """The steps in order; ``earlier`` are the character's runs before this one, the latest first."""
    run = outputs.run
    longest = max((step.seconds for step in run.steps), default=0.0) or 1.0
    return [
        StepLine(
            title=step.title,
            stage=step.stage,
            key=step.key,
            kind=kind_of(step),
            cached=step.cached,
            seconds=step.seconds,
            share=step.seconds / longest,
            why=outputs.read(f"why {step.stage} was done", "", explain, run, step, earlier),
            figures=step.figures,
        )
        for step in run.steps
    ]


def time_slices(run: RunRecord) -> list[Slice]:
    """The run's time as one strip; what the steps do not account for comes last."""
    whole = max(run.seconds, run.work_seconds) or 1.0
    slices, start = list[Slice](), 0.0
    for step in run.steps:
        width = 100 * step.seconds / whole
        slices.append(Slice(title=step.title, kind=kind_of(step), start=start, width=width))
        start += width
    return [*slices, Slice(title=KINDS["between"], kind="between", start=start, width=max(0.0, 100 - start))]


def kind_of(step: StepRecord) -> str:
    """What the step is about, one of :data:`KINDS`."""
    return _KINDS.get(step.stage, "result")
