"""What creating characters gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine_bridge.schema import Vector
from f2p_models.creation.mode import Mode


@dataclass(frozen=True, kw_only=True)
class Creation:
    """Characters for B photos, on the CPU.

    vectors  (B, V) float32, hardened: sliders in [0, 1], blocks one-hot; what the engine renders
    soft     (B, V) float32, before the argmax: how sure the choices are
    losses   (B,) facial similarity loss (equation 9) of the hardened vectors' imitator pictures
    curves   (B, S) the loss before each of S search steps, S = 0 in one-shot mode
    reasons  one sentence per photo: why this mode, and what it came to
    """

    vectors: Tensor
    soft: Tensor
    losses: Tensor
    curves: Tensor
    mode: Mode
    reasons: tuple[str, ...]

    def vector(self, index: int) -> Vector:
        """The hardened vector of one photo: NumPy float32 (V,)."""
        vector: Vector = self.vectors[index].numpy()
        return vector

    def row(self, index: int, reason: str | None = None) -> Creation:
        """The creation of one photo alone, B = 1; ``reason`` goes before its own."""
        rows = slice(index, index + 1)
        return Creation(
            vectors=self.vectors[rows],
            soft=self.soft[rows],
            losses=self.losses[rows],
            curves=self.curves[rows],
            mode=self.mode,
            reasons=("; ".join(filter(None, (reason, self.reasons[index]))),),
        )


def joined(parts: Sequence[Creation]) -> Creation:
    """The creations of consecutive chunks of photos as one."""
    return Creation(
        vectors=torch.cat([part.vectors for part in parts]),
        soft=torch.cat([part.soft for part in parts]),
        losses=torch.cat([part.losses for part in parts]),
        curves=torch.cat([part.curves for part in parts]),
        mode=parts[0].mode,
        reasons=tuple(reason for part in parts for reason in part.reasons),
    )
