"""Try every behaviour on a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from engine_bridge.conformance.catalog import BEHAVIOURS
from engine_bridge.conformance.evidence import Behaviour, Evidence, Finding, Verdict, skip
from engine_bridge.conformance.report import ConformanceReport
from engine_bridge.conformance.sheets import what_it_draws
from engine_bridge.conformance.subject import Subject
from engine_bridge.conformance.trial import Trial
from engine_bridge.errors import EngineError, InputError

#: Called after every behaviour with its finding, how many are done, and how many there are.
Progress = Callable[[Finding, int, int], None]


def run_conformance(
    subject: Subject,
    character: str,
    *,
    progress: Progress | None = None,
    behaviours: Sequence[Behaviour] = BEHAVIOURS,
) -> ConformanceReport:
    """Every behaviour in order; what one finds does not stop the next.

    Raises UnknownCharacterError when the engine has no such character, EngineError when it cannot be described.
    """
    started, began = datetime.now(UTC), perf_counter()
    trial = Trial(subject, character)
    schema = trial.schema
    findings = []
    for done, finding in enumerate(_findings(trial, behaviours), start=1):
        findings.append(finding)
        if progress:
            progress(finding, done, len(behaviours))
    return ConformanceReport(
        engine=subject.engine.name,
        build=subject.engine.build,
        character=character,
        title=schema.title,
        fingerprint=schema.fingerprint,
        started=started.isoformat(timespec="seconds"),
        seconds=perf_counter() - began,
        num_frames=trial.num_frames,
        findings=tuple(findings),
        figures=_figures(trial),
        announced=_announced(trial),
        sheet=what_it_draws(trial),
    )


def try_behaviour(trial: Trial, behaviour: Behaviour) -> Finding:
    """One behaviour; an engine that raises has failed it."""
    began = perf_counter()
    try:
        evidence = behaviour.check(trial)
    except (EngineError, InputError) as error:
        evidence = Evidence(verdict=Verdict.FAILED, reason=str(error) or "the engine broke off without a reason")
    return Finding(name=behaviour.name, sentence=behaviour.sentence, evidence=evidence, seconds=perf_counter() - began)


def _findings(trial: Trial, behaviours: Sequence[Behaviour]) -> Iterator[Finding]:
    """A lost engine is recovered after the behaviour that lost it; otherwise the rest cannot be tried."""
    lost: str | None = None
    for behaviour in behaviours:
        if lost:
            yield Finding(name=behaviour.name, sentence=behaviour.sentence, evidence=skip(lost), seconds=0.0)
            continue
        yield try_behaviour(trial, behaviour)
        lost = _lost(trial)


def _lost(trial: Trial) -> str | None:
    """None while the engine still draws, or draws again after it was recovered; else why not."""
    try:
        _draw(trial)
    except EngineError as error:
        try:
            return None if trial.recover() else f"the engine was lost and cannot be started again: {error}"
        except EngineError as again:
            return f"the engine was lost and did not come back: {again}"
    return None


def _draw(trial: Trial) -> None:
    """Frames that nobody looks at: they warm up an engine that has drawn nothing yet."""
    if trial.num_frames:
        trial.answer(trial.requests([trial.shot(resolution=trial.announced.minimum_px)]))
    else:
        trial.warm_up()


def _figures(trial: Trial) -> dict[str, Any]:
    rate = trial.num_timed / trial.seconds_rendering if trial.seconds_rendering else 0.0
    return {"pictures_per_s": round(rate, 1), "slowest_frame_ms": round(1000 * trial.slowest_frame_s, 1)}


def _announced(trial: Trial) -> dict[str, Any]:
    announced = asdict(trial.announced)
    return announced | {"scene_fields": sorted(trial.announced.scene_fields)}
