"""What people are told of a night: one notice about every character, and one at the end."""

from __future__ import annotations

from collections import Counter

from flows.monitoring.notifications import Notice
from flows.nights.records import BY_URGENCY, Ending, NightlyOutcome, NightRecord


def notice_about(outcome: NightlyOutcome, night: NightRecord) -> Notice:
    """What became of a character."""
    facts = {"night": night.night_id, "reason": outcome.reason, "seconds": round(outcome.seconds, 1)}
    return Notice(
        kind=outcome.status,
        character=outcome.character,
        run_id=outcome.run_id,
        headline=f"{outcome.character}: {outcome.status}: {outcome.reason}",
        facts=facts if outcome.version is None else {**facts, "version": outcome.version},
    )


def notice_of_night(night: NightRecord) -> Notice:
    """How a night went: of the most urgent kind among its characters', if it came to its end at all without trouble."""
    counts = Counter(outcome.status for outcome in night.characters)
    told = ", ".join(f"{counts[ending]} {ending}" for ending in BY_URGENCY if counts[ending]) or "nothing done"
    kind: Ending = night.worst if night.status == "finished" else night.status  # type: ignore[assignment]
    if night.troubles and night.status == "finished":  # a disk that is not tidied fills up
        kind = "failed"
    return Notice(
        kind=kind,
        headline="; ".join([f"night {night.night_id} {night.status}: {told}", *night.troubles]),
        facts={
            "night": night.night_id,
            "seconds": round(night.seconds, 1),
            "freed_bytes": night.freed_bytes,
            **{str(ending): count for ending, count in counts.items()},
        },
    )


def notice_of_no_night(reason: str) -> Notice:
    """A night that could not begin: no character had its turn."""
    return Notice(kind="failed", headline=f"the night could not begin: {reason}", facts={"reason": reason})
