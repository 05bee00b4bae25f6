"""What a check says about an engine, and the pictures that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from engine_bridge.frames import Picture

if TYPE_CHECKING:
    from engine_bridge.conformance.trial import Trial


class Verdict(StrEnum):
    """A skipped behaviour could not be tried; its reason says why."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A picture (H, W, 3) uint8 that shows what was found."""

    title: str
    picture: Picture
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The verdict on one behaviour.

    reason    one line: the figure that decided, and for a failure what to look for in the engine
    figures   what was measured, plain JSON types
    names     parameters, choices or fields the verdict is about
    """

    verdict: Verdict
    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()


def judge(
    passed: bool,
    reason: str,
    *,
    figures: Mapping[str, Any] | None = None,
    names: tuple[str, ...] = (),
    exhibits: tuple[Exhibit, ...] = (),
) -> Evidence:
    """Passed or failed."""
    verdict = Verdict.PASSED if passed else Verdict.FAILED
    return Evidence(verdict=verdict, reason=reason, figures=figures or {}, names=names, exhibits=exhibits)


def skip(reason: str) -> Evidence:
    """Not tried."""
    return Evidence(verdict=Verdict.SKIPPED, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One promise of an engine. ``sentence`` completes "The engine must ..."; ``check`` tries it."""

    name: str
    sentence: str
    check: Callable[[Trial], Evidence]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A behaviour that was tried."""

    name: str
    sentence: str
    evidence: Evidence
    seconds: float

    @property
    def failed(self) -> bool:
        return self.evidence.verdict is Verdict.FAILED

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the pictures."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "verdict": str(self.evidence.verdict),
            "reason": self.evidence.reason,
            "seconds": round(self.seconds, 3),
            "figures": dict(self.evidence.figures),
            "names": list(self.evidence.names),
            "pictures": [exhibit.title for exhibit in self.evidence.exhibits],
        }
