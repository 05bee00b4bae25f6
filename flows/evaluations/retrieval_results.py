"""What ``f2p evaluate retrieval`` is asked, and what it measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import torch
from torch import Tensor

from engine_bridge.errors import InputError
from f2p_models.creation import Mode, ModeChoice
from f2p_models.evaluation import Calibration, Judge, Retrieval

AUTO: Final = "auto"
OWN_EMBEDDER: Final = "the creator's own embedder"
ALL_MODES: Final = ("one-shot", "iterative", "hybrid", AUTO)


@dataclass(frozen=True, kw_only=True)
class RetrievalOptions:
    """Which modes are compared, on the photos of how many people; ``seed`` draws them."""

    modes: tuple[str, ...] = ALL_MODES
    count: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = [mode for mode in self.modes if mode not in ALL_MODES]
        if unknown or not self.modes:
            raise InputError(f"modes: {', '.join(unknown) or 'none'}; choose of {', '.join(ALL_MODES)}")
        if self.count < 2:
            raise InputError(f"count: {self.count}; a photo is found among 2 at least")

    @property
    def created_modes(self) -> tuple[Mode, ...]:
        """The modes that characters have to be made in: auto takes those of two others."""
        wanted = set(self.modes) | ({"one-shot", "hybrid"} if AUTO in self.modes else set())
        return tuple(mode for mode in ("one-shot", "iterative", "hybrid") if mode in wanted)


@dataclass(frozen=True, kw_only=True)
class Made:
    """Characters of all people in one mode: vectors (N, V), the engine's renders (N, 3, H, H), seconds a photo."""

    vectors: Tensor
    renders: Tensor
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Found:
    """How one mode's characters were found: figures, everyone's rank (N,), and the curve to confidence."""

    retrieval: Retrieval
    ranks: Tensor
    calibration: Calibration


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that was measured.

    choices  the mode that auto chose for each photo
    made     characters by mode
    found    by judge and mode; the first judge's figures are the headline
    """

    choices: tuple[ModeChoice, ...]
    made: Mapping[str, Made]
    found: Mapping[str, Mapping[str, Found]]

    @property
    def headline(self) -> Mapping[str, Found]:
        """The first judge's, by mode."""
        return next(iter(self.found.values()))

    @property
    def searched(self) -> Tensor:
        """(N,) bool: the photos that auto searches."""
        return torch.tensor([choice.mode == "hybrid" for choice in self.choices])


class NamedJudge(Judge, Protocol):
    """A judge with a name, that can be moved to a device."""

    name: str

    def to(self, *args: Any, **kwargs: Any) -> Self: ...
