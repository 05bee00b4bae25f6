"""Renders that several checks look at: every slider at both ends, every choice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine_bridge.conformance.differences import Difference, compare, level_differences
from engine_bridge.frames import Frame
from engine_bridge.schema import ParameterSchema, Vector

if TYPE_CHECKING:
    from engine_bridge.conformance.trial import Trial


@dataclass(frozen=True, kw_only=True)
class SliderMove:
    """What a slider does on its way from minimum to maximum.

    is_noise  whether it is no more than what the engine differs from itself
    covered   mask pixels that changed where the picture changed too
    """

    index: int
    name: str
    difference: Difference
    is_noise: bool
    covered: int


def sweep_sliders(trial: Trial) -> tuple[SliderMove, ...]:
    """Two frames per slider; only their differences are kept."""
    return tuple(_slider_moves(trial))


def sweep_choices(trial: Trial) -> dict[str, list[Frame]]:
    """Per discrete parameter, the average face with each of its choices."""
    return {
        parameter.name: trial.render(
            [trial.shot(trial.with_choice(parameter.name, choice)) for choice in range(len(parameter.choices))]
        )
        for parameter in trial.schema.discrete
    }


def with_choices_at(schema: ParameterSchema, place: int) -> Vector:
    """The average face with every discrete parameter at its choice number ``place`` (-1 is the last)."""
    vector = schema.default_vector()
    for block in schema.blocks.values():
        vector[block] = 0.0
        vector[block][place] = 1.0
    return vector


def _slider_moves(trial: Trial) -> Iterator[SliderMove]:
    at_once = max(trial.announced.max_batch // 2, 1)
    for start in range(0, trial.schema.num_continuous, at_once):
        indices = range(start, min(start + at_once, trial.schema.num_continuous))
        frames = trial.render([trial.shot(trial.with_slider(index, end)) for index in indices for end in (0.0, 1.0)])
        for place, index in enumerate(indices):
            low, high = frames[2 * place], frames[2 * place + 1]
            yield SliderMove(
                index=index,
                name=trial.schema.continuous[index].name,
                difference=compare(low, high),
                is_noise=trial.repeatability.covers(low, high),
                covered=_covered(low, high),
            )


def _covered(low: Frame, high: Frame) -> int:
    """Changed mask pixels that lie within one pixel of a changed picture pixel."""
    changed = np.pad(level_differences(low.picture, high.picture) > 0, 1)
    height, width = len(low.mask), len(low.mask[0])
    near = np.zeros((height, width), bool)
    for down in range(3):
        for right in range(3):
            near |= changed[down : down + height, right : right + width]
    return int(np.count_nonzero((low.mask != high.mask) & near))
