"""What a recipe asks of its data and its networks before anything is built on them."""

from __future__ import annotations

from dataclasses import dataclass

from engine_bridge.errors import InputError


@dataclass(frozen=True, kw_only=True)
class GateLimits:
    """Limits of the gates, see ``flows.gates``. Whatever is damaged, not finite or not there is refused by any limits.

    min_faces_found      share of the photo-like renders in which the detector must find the face
    max_canary_failures  share of the pictures that prove an engine's truth which may be wrong; one always may
    coverage             whether studio pairs must cover every choice and every tenth of every slider's range
    beat_baseline        whether segmenter and translator must be better than the simplest answer that their checkpoint
                         states; what an imitator must be better than, the translator's training says itself
    max_gap              held-out error, as a multiple of the error on training pairs, above which a network has
                         learned them by heart; None for any
    refuse_worse         whether a run is refused whose version is worse than the champion; if not, it is kept beside it
    """

    min_faces_found: float = 0.8
    max_canary_failures: float = 0.02
    coverage: bool = True
    beat_baseline: bool = True
    max_gap: float | None = 1.5
    refuse_worse: bool = True

    def __post_init__(self) -> None:
        for name in ("min_faces_found", "max_canary_failures"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise InputError(f"{name}: {share} is no share; give a number from 0 to 1")
        if self.max_gap is not None and not self.max_gap >= 1.0:
            raise InputError(f"max_gap: {self.max_gap}; held-out errors are the larger ones, give 1 or more, or None")

    @classmethod
    def structural(cls) -> GateLimits:
        """For a recipe that is to learn nothing: only what is broken is refused."""
        return cls(min_faces_found=0.5, beat_baseline=False, max_gap=None, refuse_worse=False)
