"""The nights of a home as monitoring sees them (``flows.nights.records`` is what writes them).

Whoever watches must not fall over one record that is damaged, or that another version of f2p wrote: what cannot be
read is named and passed over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flows.nights.records import NIGHT_FILE, Ending
from flows.settings import Settings

#: What a character's night ends with when its creator is up to date.
GOOD: Final[frozenset[Ending]] = frozenset({"published", "unchanged"})


@dataclass(frozen=True, kw_only=True)
class CharacterNight:
    """How a night ended for one character."""

    character: str
    status: str
    reason: str = ""
    run_id: str = ""

    @property
    def is_good(self) -> bool:
        return self.status in GOOD


@dataclass(frozen=True, kw_only=True)
class Night:
    """One night. ``started`` and ``ended`` are UTC; a night that goes on, or was killed, ends when its record does."""

    night_id: str
    status: str
    started: datetime
    ended: datetime
    characters: tuple[CharacterNight, ...]

    @property
    def seconds(self) -> float:
        return (self.ended - self.started).total_seconds()

    @property
    def has_finished(self) -> bool:
        """Whatever became of its characters. A night that was killed is ``running`` for ever."""
        return self.status == "finished"


@dataclass(frozen=True, kw_only=True)
class NightHistory:
    """All nights, oldest first, and the records that cannot be read."""

    nights: tuple[Night, ...]
    damaged: tuple[Path, ...] = ()

    @property
    def last_finished(self) -> Night | None:
        """The finished night that ended last."""
        return max((night for night in self.nights if night.has_finished), key=lambda night: night.ended, default=None)

    def last_outcomes(self, *, good_only: bool = False) -> dict[str, tuple[Night, CharacterNight]]:
        """The last outcome of every character, and its night; with ``good_only`` the last good one."""
        return {
            outcome.character: (night, outcome)
            for night in self.nights
            for outcome in night.characters
            if outcome.is_good or not good_only
        }


def read_history(settings: Settings) -> NightHistory:
    """Every night's record under the home."""
    nights, damaged = [], []
    for path in settings.nights.glob(f"*/{NIGHT_FILE}"):
        try:
            nights.append(_night(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            damaged.append(path)
    return NightHistory(nights=tuple(sorted(nights, key=lambda night: night.started)), damaged=tuple(sorted(damaged)))


def _night(record: dict[str, Any]) -> Night:
    given = datetime.fromisoformat(record["started"])
    started = (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    return Night(
        night_id=str(record["night_id"]),
        status=str(record["status"]),
        started=started,
        ended=started + timedelta(seconds=float(record["seconds"])),
        characters=tuple(_character_night(outcome) for outcome in record["characters"]),
    )


def _character_night(outcome: dict[str, Any]) -> CharacterNight:
    return CharacterNight(
        character=str(outcome["character"]),
        status=str(outcome["status"]),
        reason=str(outcome.get("reason") or ""),
        run_id=str(outcome.get("run_id") or ""),
    )
