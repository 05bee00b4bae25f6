"""Pictures that show what a check found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine_bridge.conformance.differences import level_differences
from engine_bridge.conformance.evidence import Exhibit
from engine_bridge.errors import EngineError
from engine_bridge.frames import Frame, Mask, Picture
from engine_bridge.parts import PART_COLORS

if TYPE_CHECKING:
    from engine_bridge.conformance.trial import Trial

#: Random faces on the contact sheet, beside the average one.
NUM_FACES = 5


def what_it_draws(trial: Trial) -> tuple[Exhibit, ...]:
    """The average face and some random ones, each beside its mask. Empty when the engine cannot."""
    vectors = [trial.schema.default_vector(), *[trial.random_vector(100 + face) for face in range(NUM_FACES)]]
    titles = ["average face", *[f"random face {face + 1}" for face in range(NUM_FACES)]]
    try:
        frames = trial.render([trial.shot(vector) for vector in vectors])
    except EngineError:
        return ()
    return tuple(
        Exhibit(title=title, picture=beside(frame.picture, painted(frame.mask)))
        for title, frame in zip(titles, frames, strict=True)
    )


def painted(mask: Mask) -> Picture:
    """A mask in the colours of its parts; an id that is no part is magenta."""
    palette = np.full((256, 3), (255, 0, 255), np.uint8)
    palette[: len(PART_COLORS)] = PART_COLORS
    colors: Picture = palette[mask]
    return colors


def beside(*pictures: Picture) -> Picture:
    """Pictures of one height in a row."""
    return np.concatenate(pictures, axis=1)


def difference_picture(first: Picture, second: Picture) -> Picture:
    """Where two pictures differ, brightened so that one level can be seen: black, red, yellow, white."""
    levels = level_differences(first, second).astype(np.float32)
    heat = np.sqrt(levels / 255.0)
    channels = [np.clip(3.0 * heat - start, 0.0, 1.0) for start in (0.0, 1.0, 2.0)]
    picture: Picture = (255.0 * np.stack(channels, axis=2)).astype(np.uint8)
    return picture


def compared(first: Frame, second: Frame) -> Picture:
    """Both pictures and their difference in a row."""
    return beside(first.picture, second.picture, difference_picture(first.picture, second.picture))
