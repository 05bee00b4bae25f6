"""What a character's registry knows besides its versions, and which homes share with them.

    decisions.json    see ``decisions``: of two, the one that was made later holds, wholly
    noise/ scores/    see ``score_noise`` and ``promotion``: all that anybody measured; what was known first stays

What was removed is a home's own business and does not travel.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from f2p_models.decisions import Decisions, read_decisions, write_decisions
from f2p_models.durable import appearing_file
from f2p_models.promotion import read_scores

_NOISE: Final = "noise"
_SCORES: Final = "scores"


def add_shared(shelf: Path, shared: Path) -> None:
    """Add what a registry's character folder knows to the folder that other homes are given."""
    add_measures(shelf, shared)
    ours, theirs = read_decisions(shelf), read_decisions(shared) or Decisions()
    if ours and ours.is_later_than(theirs):
        write_decisions(shared, replace(ours, removed=frozenset()))


def add_measures(source: Path, target: Path) -> None:
    """Noise and scores of ``source`` that ``target`` has not."""
    for path in sorted((source / _NOISE).glob("*.json")):
        if not (target / _NOISE / path.name).exists():
            with appearing_file(target / _NOISE / path.name) as unfinished:
                shutil.copyfile(path, unfinished)
    for path in sorted((source / _SCORES).glob("*.json")):
        _add_scores(path, target / _SCORES / path.name)


def _add_scores(source: Path, target: Path) -> None:
    known = read_scores(target)
    together = {**read_scores(source), **known}
    if together != known:
        with appearing_file(target) as unfinished:
            unfinished.write_text(json.dumps(together, indent=1) + "\n", encoding="utf-8")
