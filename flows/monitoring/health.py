"""Is the schedule alive? A night that did not happen tells nobody, so somebody else has to look: cron, a container's
health check, a monitoring agent.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from engine_bridge.errors import InputError
from f2p_datasets.durable import appearing_file
from flows.monitoring.night_history import NightHistory, read_history
from flows.monitoring.notifications import Notice, notify
from flows.settings import Settings, webhook_addresses

#: A night each 24 hours that may itself take twelve.
DEFAULT_MAX_AGE_HOURS: Final = 36.0
LONGEST_HOURS: Final = 10_000
MEMORY_NAME: Final = "health.json"
#: Clocks of machines that share a home may differ by so much.
_TOLERANCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was found. ``age_hours`` is None when no night has ever finished; ``characters`` how each one's last night
    ended; ``warnings`` what makes the answer less certain.
    """

    healthy: bool
    detail: str
    max_age_hours: float
    age_hours: float | None
    last_night: str
    characters: dict[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(kw_only=True)
class _Memory:
    """What earlier looks have found: since when this home is watched, and of which silence people know since when."""

    watched_since: datetime
    told: datetime | None = None
    told_of: str = ""


def examine_health(
    settings: Settings, max_age_hours: float = DEFAULT_MAX_AGE_HOURS, *, now: datetime | None = None
) -> Health:
    """Whether a night has finished in the last ``max_age_hours``. Raises InputError when there is no such home."""
    if not 0 < max_age_hours <= LONGEST_HOURS:
        raise InputError(f"max-age-hours: {max_age_hours:g}; give more than 0 and at most {LONGEST_HOURS:,}")
    if not settings.home.is_dir():
        raise InputError(f"home: {settings.home} does not exist; give the one that 'f2p serve' works in with --home")
    return _judge(read_history(settings), max_age_hours, now or datetime.now(UTC))


def watch_health(
    settings: Settings, max_age_hours: float = DEFAULT_MAX_AGE_HOURS, *, now: datetime | None = None
) -> Health:
    """:func:`examine_health`, and a notice when it is bad: one per ``max_age_hours``, however often somebody looks.

    A home without any night is given that long before people are told.
    """
    now = now or datetime.now(UTC)
    health = examine_health(settings, max_age_hours, now=now)
    memory = _remember(settings, now)
    if _should_tell(health, memory, timedelta(hours=max_age_hours), now):
        problems = notify(settings, _notice(settings, health))
        if not problems or len(problems) < len(webhook_addresses()):  # else nobody has heard it: again next time
            memory.told, memory.told_of = now, health.last_night
    with suppress(OSError):  # then people are told too often, which is better than never
        _save(settings, memory)
    return health


def _judge(history: NightHistory, max_age_hours: float, now: datetime) -> Health:
    """Nights that end in the future prove nothing: a clock was wrong, and may have been for a year."""
    past = NightHistory(nights=tuple(night for night in history.nights if night.ended <= now + _TOLERANCE))
    last = past.last_finished
    age_hours = max((now - last.ended).total_seconds() / 3600, 0.0) if last else None
    healthy = age_hours is not None and age_hours <= max_age_hours
    limit = f"at most {max_age_hours:g} h are allowed"
    since = f"the last night finished {age_hours:.1f} h ago" if last else "no night has ever finished"
    way_out = "" if healthy else f"; {limit}: is 'f2p serve' running? 'f2p nights' shows what was begun"
    return Health(
        healthy=healthy,
        detail=f"{since}{way_out}",
        max_age_hours=max_age_hours,
        age_hours=age_hours,
        last_night=last.night_id if last else "",
        characters={name: outcome.status for name, (_, outcome) in sorted(history.last_outcomes().items())},
        warnings=tuple(_warnings(history, len(history.nights) - len(past.nights))),
    )


def _warnings(history: NightHistory, num_future: int) -> list[str]:
    found = []
    if num_future:
        found.append(
            f"{num_future} night(s) are dated in the future and were not counted; check the clock (f2p doctor)"
        )
    if history.damaged:
        found.append(f"{len(history.damaged)} record(s) cannot be read, {history.damaged[0]} among them; remove them")
    return found


def _should_tell(health: Health, memory: _Memory, patience: timedelta, now: datetime) -> bool:
    if health.healthy or (health.age_hours is None and now - memory.watched_since < patience):
        return False
    if memory.told is None or memory.told_of != health.last_night:
        return True
    return not timedelta(0) <= now - memory.told < patience  # told in the future: a clock was wrong


def _notice(settings: Settings, health: Health) -> Notice:
    facts = {"last night": health.last_night or "none", "home": str(settings.home)}
    return Notice(kind="stale", headline=health.detail, facts=facts)


def _remember(settings: Settings, now: datetime) -> _Memory:
    try:
        data = json.loads(_memory_file(settings).read_text(encoding="utf-8"))
        return _Memory(
            watched_since=min(_utc(data["watched_since"]), now),
            told=_utc(data["told"]) if data["told"] else None,
            told_of=str(data["told_of"]),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return _Memory(watched_since=now)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _save(settings: Settings, memory: _Memory) -> None:
    path = _memory_file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {
        "watched_since": memory.watched_since.isoformat(),
        "told": memory.told.isoformat() if memory.told else None,
        "told_of": memory.told_of,
    }
    with appearing_file(path) as stream:
        stream.write(json.dumps(data).encode())


def _memory_file(settings: Settings) -> Path:
    return settings.logs / MEMORY_NAME
