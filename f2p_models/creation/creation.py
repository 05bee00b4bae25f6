"""What creating characters gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine_bridge.schema import Vector
from f2p_models.creation.mode import Mode

_TENSORS: Final = ("vectors", "soft", "losses", "curves", "trail")


@dataclass(frozen=True, kw_only=True)
class Creation:
    """Characters for B photos, on the CPU.

    vectors  (B, V) float32, hardened: sliders in [0, 1], blocks one-hot; what the engine renders
    soft     (B, V) float32, before the argmax: how sure the choices are
    losses   (B,) how far the hardened vectors' pictures are from the photos, see :meth:`Likeness.judged_losses`
    curves   (B, S) what the search minimizes before each of its S steps: equation 9 and the pull; S = 0 in one shot
    trail    (B, F, V) soft vectors on the way, if they were asked for; F = 0 otherwise
    reasons  one sentence per photo: why this mode, and what it came to
    """

    vectors: Tensor
    soft: Tensor
    losses: Tensor
    curves: Tensor
    trail: Tensor
    mode: Mode
    reasons: tuple[str, ...]

    def vector(self, index: int) -> Vector:
        """The hardened vector of one photo: NumPy float32 (V,)."""
        vector: Vector = self.vectors[index].numpy()
        return vector

    def row(self, index: int, reason: str | None = None) -> Creation:
        """The creation of one photo alone, B = 1; ``reason`` goes before its own."""
        alone = {name: getattr(self, name)[index : index + 1] for name in _TENSORS}
        return Creation(**alone, mode=self.mode, reasons=("; ".join(filter(None, (reason, self.reasons[index]))),))


def joined(parts: Sequence[Creation]) -> Creation:
    """The creations of consecutive chunks of photos as one."""
    tensors = {name: torch.cat([getattr(part, name) for part in parts]) for name in _TENSORS}
    return Creation(**tensors, mode=parts[0].mode, reasons=tuple(reason for part in parts for reason in part.reasons))


def better_of(first: Creation, second: Creation) -> Creation:
    """For each photo whichever of two searches has the lower loss, the first where they are equal."""
    wins = second.losses < first.losses
    reasons = zip(wins.tolist(), second.reasons, first.reasons, strict=True)
    return Creation(
        **{name: _chosen(wins, getattr(second, name), getattr(first, name)) for name in _TENSORS},
        mode=first.mode,
        reasons=tuple(late if won else early for won, late, early in reasons),
    )


def _chosen(wins: Tensor, second: Tensor, first: Tensor) -> Tensor:
    return torch.where(wins.view(-1, *[1] * (first.ndim - 1)), second, first)
