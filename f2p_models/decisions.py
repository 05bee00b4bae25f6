"""Which versions of a character were made champion, and why each of them was or was not.

    <registry>/<character>/decisions.json    beside the versions, so that it outlives the index and moves with the home

The index says the same for whoever reads the registry with MLflow; when the two differ, as after a crash or a damaged
database, it follows. What people decided by hand is nowhere else, and cannot be computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from f2p_models.durable import appearing_file

FILE_NAME: Final = "decisions.json"


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """``champions`` in the order of promotion, the last one in use; ``reasons`` of all versions that were judged.

    removed  versions that were deleted from this home; other homes may have them
    made_at  UTC, when the last one was made by publishing or by hand; empty where they were only worked out from
             versions that other homes had published, or date from before there was a date
    """

    champions: tuple[int, ...] = ()
    reasons: Mapping[int, str] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()
    made_at: str = ""

    @property
    def highest(self) -> int:
        """The highest number that was ever given, as far as it was decided about; 0 for none."""
        return max((*self.reasons, *self.removed), default=0)

    def with_(self, version: int, reason: str, champions: Sequence[int]) -> Decisions:
        """One decision more."""
        return replace(self, champions=tuple(champions), reasons={**self.reasons, version: reason})

    def without(self, version: int) -> Decisions:
        """A version is no champion any more, and never was. Its reason stays: nothing is to judge it again."""
        champions = tuple(champion for champion in self.champions if champion != version)
        return replace(self, champions=champions, removed=self.removed | {version})

    def dated(self) -> Decisions:
        """Made now; in any case after those that it follows, which another machine's clock may have dated."""
        now = datetime.now(UTC)
        if self.made_at:
            now = max(now, datetime.fromisoformat(self.made_at) + timedelta(microseconds=1))
        return replace(self, made_at=now.isoformat(timespec="microseconds"))

    def is_later_than(self, other: Decisions) -> bool:
        """Whether it holds against those of another home: made later, or the same ones about more versions."""
        return (self.made_at, len(self.reasons)) > (other.made_at, len(other.reasons))


def read_decisions(shelf: Path) -> Decisions | None:
    """The decisions about the versions in ``shelf``; None when there are none, or the file is damaged."""
    try:
        data = json.loads((shelf / FILE_NAME).read_text(encoding="utf-8"))
        if data["sha256"] != _digest(data):
            return None
        reasons = {int(version): str(reason) for version, reason in data["reasons"].items()}
        return Decisions(
            champions=tuple(int(version) for version in data["champions"]),
            reasons=reasons,
            removed=frozenset(int(version) for version in data.get("removed", _missing(shelf, reasons))),
            made_at=_date(data.get("made_at", "")),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_decisions(shelf: Path, decisions: Decisions) -> None:
    """Replace the file, whole."""
    data: dict[str, Any] = {
        "champions": list(decisions.champions),
        "reasons": {str(version): decisions.reasons[version] for version in sorted(decisions.reasons)},
        "removed": sorted(decisions.removed),
        "made_at": decisions.made_at,
    }
    with appearing_file(shelf / FILE_NAME) as unfinished:
        unfinished.write_text(json.dumps(data | {"sha256": _digest(data)}, indent=1) + "\n", encoding="utf-8")


def _missing(shelf: Path, reasons: Mapping[int, str]) -> list[int]:
    """Files that do not say what was removed are older than that: what was decided about and is not there."""
    return [version for version in reasons if not (shelf / str(version)).is_dir()]


def _date(text: str) -> str:
    """Raises ValueError for what is none."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds") if text else ""


def _digest(data: Mapping[str, Any]) -> str:
    """Of what was decided: one digit more or less would be another champion."""
    decided = {name: value for name, value in data.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()
