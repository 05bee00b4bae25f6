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
from pathlib import Path
from typing import Any, Final

from f2p_models.durable import appearing_file

FILE_NAME: Final = "decisions.json"


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """``champions`` in the order of promotion, the last one in use; ``reasons`` of all versions that were judged."""

    champions: tuple[int, ...] = ()
    reasons: Mapping[int, str] = field(default_factory=dict)

    def with_(self, version: int, reason: str, champions: Sequence[int]) -> Decisions:
        """One decision more."""
        return replace(self, champions=tuple(champions), reasons={**self.reasons, version: reason})

    def without(self, version: int) -> Decisions:
        """A version is no champion any more, and never was. Its reason stays: nothing is to judge it again."""
        return replace(self, champions=tuple(champion for champion in self.champions if champion != version))


def read_decisions(shelf: Path) -> Decisions | None:
    """The decisions about the versions in ``shelf``; None when there are none, or the file is damaged."""
    try:
        data = json.loads((shelf / FILE_NAME).read_text(encoding="utf-8"))
        if data["sha256"] != _digest(data):
            return None
        champions = tuple(int(version) for version in data["champions"])
        return Decisions(champions=champions, reasons={int(v): str(reason) for v, reason in data["reasons"].items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_decisions(shelf: Path, decisions: Decisions) -> None:
    """Replace the file, whole."""
    reasons = {str(version): decisions.reasons[version] for version in sorted(decisions.reasons)}
    data: dict[str, Any] = {"champions": list(decisions.champions), "reasons": reasons}
    with appearing_file(shelf / FILE_NAME) as unfinished:
        unfinished.write_text(json.dumps(data | {"sha256": _digest(data)}, indent=1) + "\n", encoding="utf-8")


def _digest(data: Mapping[str, Any]) -> str:
    """Of what was decided: one digit more or less would be another champion."""
    decided = {name: data[name] for name in ("champions", "reasons")}
    return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()
