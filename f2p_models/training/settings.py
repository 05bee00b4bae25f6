"""What the training of every network has to be told. Each network's own settings add to it."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine_bridge.errors import InputError
from f2p_models.devices import PRECISIONS, Precision
from f2p_models.training.optimization import OPTIMIZERS, SCHEDULES, Optimizer, Schedule


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """How to fit a network. There is no limit in seconds: a result never depends on how fast a machine is.

    epochs                  passes over the training source
    batch_size              pairs per gradient step; the source that is handed in has to use it too
    optimizer, schedule     see ``optimization``; momentum is SGD's
    precision               "32", or "bf16" for mixed precision
    channels_last, compile  faster memory layout; ``torch.compile``
    seed                    draws the first weights and every augmentation; 0 is a seed
    checkpoint_every_steps  save the training state inside an epoch too; 0 saves at its end only
    evaluate_every_epochs   held-out metrics and preview after every so many epochs, and always after the last
    """

    epochs: int = 20
    batch_size: int = 16
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    precision: Precision = "32"
    channels_last: bool = False
    compile: bool = False
    seed: int = 0
    checkpoint_every_steps: int = 0
    evaluate_every_epochs: int = 1

    def __post_init__(self) -> None:
        require_range("epochs", self.epochs, 1, 1_000_000)
        require_range("batch_size", self.batch_size, 1, 65_536)
        require_range("learning_rate", self.learning_rate, 0.0, 1e3, open_start=True)
        require_range("momentum", self.momentum, 0.0, 0.9999)
        require_range("weight_decay", self.weight_decay, 0.0, 10.0)
        require_range("seed", self.seed, 0, 2**63 - 1)
        require_range("checkpoint_every_steps", self.checkpoint_every_steps, 0, 2**31)
        require_range("evaluate_every_epochs", self.evaluate_every_epochs, 1, 1_000_000)
        require_choice("optimizer", self.optimizer, OPTIMIZERS)
        require_choice("schedule", self.schedule, SCHEDULES)
        require_choice("precision", self.precision, PRECISIONS)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def require_range(
    name: str, value: float, minimum: float, maximum: float = math.inf, *, open_start: bool = False
) -> None:
    """Raise InputError unless ``value`` is a number in [minimum, maximum], or in ]minimum, maximum]."""
    inside = minimum < value <= maximum if open_start else minimum <= value <= maximum
    if not (math.isfinite(value) and inside):
        bounds = f"{'above' if open_start else 'at least'} {minimum} and at most {maximum}"
        raise InputError(f"{name}: {value} must be {bounds}")


def require_choice(name: str, value: str, choices: Collection[str]) -> None:
    """Raise InputError unless ``value`` is one of the choices."""
    if value not in choices:
        raise InputError(f"{name}: {value!r} is unknown; use one of {', '.join(choices)}")
