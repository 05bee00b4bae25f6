"""What people are told of the flows that Prefect starts for them: how an order ended, and which one is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.monitoring.notifications import Kind, Notice
from flows.nights.endings import ending_of, one_line

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

    from flows.run_records import RunRecord


def notice_of_run(order: str, run: RunRecord) -> Notice:
    """An order that was carried out. ``order`` is the name of the deployment."""
    note = next((step for step in reversed(run.steps) if step.stage == "version"), None)
    facts = {"order": order, "seconds": round(run.seconds, 1)}
    about = {"character": run.character, "run_id": run.run_id}
    if note is None:
        return Notice(kind="finished", headline=f"{run.character}: finished: {order}", facts=facts, **about)
    version, champion = note.figures["version"], "champion" if note.figures["champion"] == "yes" else "not champion"
    kind: Kind = "unchanged" if note.cached else "published"
    headline = f"{run.character}: {kind}: version {version}, {champion}"
    return Notice(kind=kind, headline=headline, facts={**facts, "version": version}, **about)


def notice_of_error(order: str, character: str, error: Exception, seconds: float) -> Notice:
    """An order that was not carried out; ``character`` may be empty."""
    kind, reason = ending_of(error), one_line(error)
    return Notice(
        kind=kind,
        character=character,
        headline=f"{character or order}: {kind}: {reason}",
        facts={"order": order, "reason": reason, "seconds": round(seconds, 1)},
    )


def notice_of_giving_up(run: FlowRun) -> Notice:
    """A flow run that was cut off too often to be started again."""
    character = str(run.parameters.get("character", ""))
    return Notice(
        kind="failed",
        character=character,
        headline=f"{run.name}: failed: it was cut off {run.run_count} times and is not started again",
        facts={"order": run.name, "starts": run.run_count, "flow_run": str(run.id)},
    )
