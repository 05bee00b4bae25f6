"""What the bench measured, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

#: Fewer pictures from a pool than this per instance say little about its overhead.
FEWEST_FRAMES: Final = 64


@dataclass(frozen=True, kw_only=True)
class SessionRate:
    """One engine without supervision. Milliseconds per picture; ``wire_ms`` is what the other parts do not explain.

    None stands for what is not measured: an engine that tells no timings, or runs in this process without a wire.
    """

    batch: int
    pictures_per_s: float
    total_ms: float
    apply_ms: float | None = None
    render_ms: float | None = None
    encode_ms: float | None = None
    decode_ms: float | None = None
    wire_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class PoolRate:
    """Supervised engines, measured over ``frames`` pictures that were handed out.

    engine_ms   the engine's own time for a picture, canaries among them; None when it tells no timings
    total_ms    wall time for a picture and instance
    overhead    total_ms against engine_ms, 0.1 for a tenth more
    bridge_cpu_ms    what this process computes for a picture, on all its threads
    engine_cpu_ms    what all processes below it compute: the engines, their keepers and screens
    memory_mb   resident memory of all processes below this one, (seconds, MB) over the run
    """

    instances: int
    frames: int
    pictures_per_s: float
    engine_ms: float | None
    total_ms: float
    canaries: int
    restarts: int
    memory_mb: tuple[tuple[float, float], ...]
    bridge_cpu_ms: float | None = None
    engine_cpu_ms: float | None = None

    @property
    def overhead(self) -> float | None:
        return self.total_ms / self.engine_ms - 1.0 if self.engine_ms else None

    @property
    def too_few(self) -> bool:
        """Whether the overhead is only a hint, because too little was measured."""
        return self.frames < FEWEST_FRAMES * self.instances

    @property
    def memory_growth(self) -> float:
        """Memory at the end against that at the start, 0.1 for a tenth more. 0 when it was not measured."""
        return self.memory_mb[-1][1] / self.memory_mb[0][1] - 1.0 if self.memory_mb else 0.0


@dataclass(frozen=True, kw_only=True)
class BenchReport:
    """What :func:`measure` found."""

    engine: str
    build: str
    character: str
    resolution: int
    sessions: tuple[SessionRate, ...]
    pools: tuple[PoolRate, ...]

    @property
    def scaling(self) -> float | None:
        """Pictures per second of the largest pool against the smallest, None for a single pool."""
        return self.pools[-1].pictures_per_s / self.pools[0].pictures_per_s if len(self.pools) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        pools = [
            asdict(pool)
            | {"overhead": pool.overhead, "too_few_frames": pool.too_few, "memory_growth": pool.memory_growth}
            for pool in self.pools
        ]
        return asdict(self) | {"pools": pools, "scaling": self.scaling}
