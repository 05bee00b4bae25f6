"""Random numbers for a whole batch, one row per picture, all from one generator on the CPU.

Drawn on the CPU, so that a resumed training draws the same on any device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """``batch`` rows (B) of random numbers, on ``device``."""

    generator: torch.Generator
    batch: int
    device: torch.device

    @classmethod
    def like(cls, pictures: Tensor, generator: torch.Generator) -> Draw:
        return cls(generator, pictures.shape[0], pictures.device)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(B, *shape) in [low, high[."""
        drawn = torch.rand((self.batch, *shape), generator=self.generator)
        return (low + (high - low) * drawn).to(self.device)

    def normal(self, deviation: float, *shape: int) -> Tensor:
        """(B, *shape) around 0."""
        return (deviation * torch.randn((self.batch, *shape), generator=self.generator)).to(self.device)

    def chance(self, share: float) -> Tensor:
        """(B,) bool, true for about ``share`` of the pictures."""
        return (torch.rand(self.batch, generator=self.generator) < share).to(self.device)

    def numbers_below(self, bound: int) -> Tensor:
        """(B,) int64 in [0, bound[."""
        return torch.randint(bound, (self.batch,), generator=self.generator).to(self.device)

    def partners(self) -> Tensor:
        """(B,) int64: another picture of the batch for each, as far as there is one."""
        shift = 1 + torch.randint(max(1, self.batch - 1), (1,), generator=self.generator)
        return ((torch.arange(self.batch) + shift) % self.batch).to(self.device)
