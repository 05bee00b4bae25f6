"""A night's record: what became of every character. It is written anew after each one, so even a killed night has one.

nights/<id>/night.json
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from engine_bridge.errors import InputError
from f2p_datasets.durable import appearing_file
from flows.leases import holder
from flows.settings import Settings

NIGHT_FILE: Final = "night.json"
Ending = Literal["published", "unchanged", "refused", "failed", "interrupted", "skipped"]
#: What needs somebody's eyes comes first.
BY_URGENCY: Final[tuple[Ending, ...]] = ("failed", "refused", "interrupted", "skipped", "published", "unchanged")


@dataclass(frozen=True, kw_only=True)
class NightlyOutcome:
    """What became of one character.

    published    a new version; ``reason`` says whether it is the champion now
    unchanged    nothing was stale
    refused      a gate was not met; the champion stays
    failed, interrupted    the run's error, also when it met another run at one of its steps
    skipped      not begun: busy, or no time or disk for it
    version      the one that was published, or that is up to date; None when there is none
    """

    character: str
    status: Ending
    reason: str
    run_id: str = ""
    version: int | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.status not in get_args(Ending):
            raise InputError(f"status: {self.status!r} is none of {', '.join(get_args(Ending))}")


@dataclass(kw_only=True)
class NightRecord:
    """A night from its order to its end.

    ``status`` is running, finished (whatever became of the characters), failed or interrupted. ``started`` is UTC,
    ``freed_bytes`` what was tidied away at the end. ``troubles`` are the night's own, a line for each: what ended it,
    and what could not be tidied away.
    """

    night_id: str
    started: str
    recipe: str = ""
    engine: str = ""
    status: str = "running"
    seconds: float = 0.0
    freed_bytes: int = 0
    troubles: list[str] = field(default_factory=list)
    characters: list[NightlyOutcome] = field(default_factory=list)

    @property
    def worst(self) -> Ending:
        """The most urgent ending among the characters'."""
        met = {outcome.status for outcome in self.characters}
        return next((ending for ending in BY_URGENCY if ending in met), "unchanged")

    def save(self, folder: Path) -> None:
        """Write it, complete or not at all."""
        with appearing_file(folder / NIGHT_FILE) as stream:
            stream.write(json.dumps(asdict(self), indent=2).encode())


def list_nights(settings: Settings) -> list[str]:
    """Ids of all nights in the order of their beginning: they are a date and a number of three digits or more."""
    ids = (path.parent.name for path in settings.nights.glob(f"*/{NIGHT_FILE}"))
    return sorted(ids, key=lambda night: (night[:10], len(night), night))


def read_night(settings: Settings, night: str) -> NightRecord:
    """A night by its id, or ``latest``. Raises InputError for none, and for a record that cannot be read."""
    known = list_nights(settings)
    if night == "latest":
        night = known[-1] if known else night
    if night not in known:
        raise InputError(f"night: no night {night!r} in {settings.nights}; {_told(known)}")
    path = settings.nights / night / NIGHT_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        outcomes = [NightlyOutcome(**outcome) for outcome in data.pop("characters")]
        return NightRecord(**data, characters=outcomes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({error}); the other nights are not, see 'f2p nights list'") from error


def status_of(settings: Settings, night: NightRecord) -> str:
    """Its status, or ``cut off`` for one that was killed: its record says for ever that it is running."""
    if night.status != "running":
        return night.status
    owner = holder(settings.nights / night.night_id, settings.locks, expiry_s=None)  # a list of nights waits for nobody
    return "cut off" if owner is None else night.status


def _told(known: Sequence[str]) -> str:
    return f"the last ones are {', '.join(known[-3:])}" if known else "none was begun yet; start one with 'f2p nightly'"
