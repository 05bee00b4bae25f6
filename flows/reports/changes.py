"""What shaped one step and not another: why a run did a step again, and in what two runs differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.planning.reasons import describe_changes, shorten
from flows.run_records import RunRecord, StepRecord, list_runs, read_run
from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Change:
    """A setting that two sides do not share, ``None`` where one has none. ``name`` is dotted."""

    name: str
    before: Any
    after: Any


def find_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Settings that differ, in the order of the second mapping; those that only the first has come last."""
    old, new = flatten(before), flatten(after)
    names = [*new, *(name for name in old if name not in new)]
    return [
        Change(name=name, before=old.get(name), after=new.get(name)) for name in names if old.get(name) != new.get(name)
    ]


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted names."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        flat |= flatten(value, name) if isinstance(value, Mapping) and value else {name: value}
    return flat


def earlier_runs(settings: Settings, run: RunRecord) -> list[RunRecord]:
    """This character's runs before this one, the latest first. Records that cannot be read are left out."""
    ids = list_runs(settings)
    before = ids[: ids.index(run.run_id)] if run.run_id in ids else ids
    records = []
    for run_id in reversed(before):
        try:
            record = read_run(settings, run_id)
        except (ValueError, TypeError, KeyError, OSError):
            continue  # InputError is a ValueError, and so is JSON that was cut
        if record.character == run.character:
            records.append(record)
    return records


def explain(run: RunRecord, step: StepRecord, earlier: Sequence[RunRecord]) -> str:
    """Why a step was done, or where its output came from; ``earlier`` are the character's runs, the latest first."""
    seen = [(record, found) for record in earlier for found in record.steps if found.stage == step.stage]
    same = [(record, found) for record, found in seen if found.key == step.key]
    if step.cached:
        makers = [record.run_id for record, found in same if not found.cached]
        return f"made by {makers[0]}" if makers else "was there already"
    if not seen:
        return "first time"
    if same:
        return "same inputs as before, but its output was gone or did not verify"
    return _why(run, step, *seen[0]) or "its code changed"


def _why(run: RunRecord, step: StepRecord, earlier: RunRecord, before: StepRecord) -> str:
    if not step.inputs or not before.inputs:
        return "its inputs or its code changed"
    return tell_changes(earlier, before.inputs, run, step.inputs)


def tell_changes(earlier: RunRecord, before: Mapping[str, Any], run: RunRecord, after: Mapping[str, Any]) -> str:
    """What differs between the inputs of one stage in two runs, in one line; empty for nothing."""
    stages = {step.key: step.stage for step in run.steps}
    return shorten(describe_changes(before, after, stages=stages, recipes=(earlier.recipe, run.recipe)))
