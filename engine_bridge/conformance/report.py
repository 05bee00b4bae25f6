"""What a conformance check found, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine_bridge.conformance.evidence import Exhibit, Finding, Verdict


@dataclass(frozen=True, kw_only=True)
class ConformanceReport:
    """Every behaviour of one engine build with one character type.

    started     UTC, ISO 8601
    figures     of the engine as a whole: pictures per second, repeatability, ...
    announced   what the engine says it can do, plain JSON types
    sheet       what the engine draws: pictures beside their masks
    """

    engine: str
    build: str
    character: str
    title: str
    fingerprint: str
    started: str
    seconds: float
    num_frames: int
    findings: tuple[Finding, ...]
    figures: Mapping[str, Any] = field(default_factory=dict)
    announced: Mapping[str, Any] = field(default_factory=dict)
    sheet: tuple[Exhibit, ...] = ()

    @property
    def passed(self) -> bool:
        """True when no behaviour failed; a skipped one does not count."""
        return not any(finding.failed for finding in self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.failed)

    def count(self, verdict: Verdict) -> int:
        """How many behaviours got this verdict."""
        return sum(finding.evidence.verdict is verdict for finding in self.findings)

    @property
    def summary(self) -> str:
        """The verdicts counted, in words."""
        passed, skipped, failed = map(self.count, (Verdict.PASSED, Verdict.SKIPPED, Verdict.FAILED))
        return f"{passed} passed, {skipped} could not be tried, {failed} failed"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the pictures."""
        return {
            "engine": self.engine,
            "build": self.build,
            "character": self.character,
            "title": self.title,
            "fingerprint": self.fingerprint,
            "started": self.started,
            "seconds": round(self.seconds, 2),
            "num_frames": self.num_frames,
            "conforms": self.passed,
            "counts": {str(verdict): self.count(verdict) for verdict in Verdict},
            "figures": dict(self.figures),
            "announced": dict(self.announced),
            "findings": [finding.to_dict() for finding in self.findings],
        }
