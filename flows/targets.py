"""What a run is to make: the order, and for every step its target. Making either writes nothing and renders nothing.

The plan of a run and the run itself ask the same functions for their targets (each stage's module has its own), so they
cannot disagree about what is there and what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine_bridge.errors import InputError
from flows.steps import Step

if TYPE_CHECKING:
    from engine_bridge.bridge import EngineBridge
    from engine_bridge.schema import ParameterSchema
    from flows.recipes import Recipe
    from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Order:
    """Everything that shapes the steps of a run."""

    settings: Settings
    schema: ParameterSchema
    recipe: Recipe
    engine: EngineBridge
    seed: int

    def step(self, stage: str, inputs: Mapping[str, Any]) -> Step:
        """A step of this order's character."""
        return Step(stage=stage, character=self.schema.character, inputs=inputs)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a step is to leave.

    inputs   what shapes it, as a run's record keeps it
    verify   raises InputError, saying what is wrong, unless the output is there and whole
    """

    title: str
    stage: str
    key: str
    folder: Path
    inputs: Mapping[str, Any]
    verify: Callable[[], object]

    @property
    def is_done(self) -> bool:
        """Whether the output is there and verifies."""
        return self.defect() is None

    def defect(self) -> str | None:
        """Why the output does not count as done; None when it does."""
        try:
            self.verify()
        except InputError as error:
            return str(error)
        return None


def step_target(title: str, step: Step, kind: Path, verify: Callable[[Path], object]) -> Target:
    """The target of a step whose folder lies below ``kind``; ``verify`` is given that folder."""
    folder = step.folder(kind)
    return Target(
        title=title, stage=step.stage, key=step.key, folder=folder, inputs=step.record, verify=lambda: verify(folder)
    )
