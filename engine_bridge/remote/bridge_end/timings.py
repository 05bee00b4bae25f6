"""Where the time of a frame goes, averaged over a session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping


class Timings:
    """Sums of milliseconds by name."""

    def __init__(self) -> None:
        self.num_frames = 0
        self._sums: defaultdict[str, float] = defaultdict(float)

    def add(self, timings_ms: Mapping[str, float]) -> None:
        """Count one frame."""
        self.num_frames += 1
        for name, duration_ms in timings_ms.items():
            self._sums[name] += duration_ms

    @property
    def mean_ms(self) -> dict[str, float]:
        """Mean milliseconds per frame by name; empty before the first frame."""
        return {name: total / self.num_frames for name, total in sorted(self._sums.items())}
