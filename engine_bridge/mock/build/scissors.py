"""Cuts locks to their length: at a hem, at the hairline, before the eyes, at a tie.

L locks   S steps of a guide
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine_bridge.mock.build.hair_shape import HairShape, Locks
from engine_bridge.mock.build.hairline import growth
from engine_bridge.mock.build.scalp import Floats, Scalp

#: No lock is cut shorter than this, in decimetres.
SHORTEST: Final = 0.08
#: Height over the eyes and azimuth in degrees within which hair from the whorl ends: above the eyes, or where the
#: fringe takes over.
FREE_FOREHEAD: Final = (0.32, 44.0)
FREE_FRINGE: Final = (0.60, 34.0)


def cut_lengths(
    scalp: Scalp,
    shape: HairShape,
    locks: Locks,
    curves: Floats,
    rng: np.random.Generator,
    *,
    poles: Floats | None,
) -> Floats:
    """Length (L,) to keep of each curve (L, S + 1, 3), unevenly layered; hair that is tied ends at its pole (L, 3)."""
    arc, steps = arc_lengths(curves), curves[:, 1:]
    lengths = arc[:, -1] * (1.0 - locks.layering * rng.uniform(0.0, 1.0, len(curves)))
    if locks.overhang is not None:
        grown = growth(scalp, shape.outline, steps.reshape(-1, 3)).reshape(arc.shape)
        lengths = np.minimum(lengths, _until(arc, grown < -locks.overhang))
    if (locks.flow or shape.flow) == "whorl":
        lowest, widest_deg = FREE_FOREHEAD if shape.fringe is None else FREE_FRINGE
        over_eyes = (scalp.height(steps) < lowest) & (scalp.azimuth_deg(steps) < widest_deg)
        lengths = np.minimum(lengths, _until(arc, over_eyes))
    if locks.hem is not None:
        hem = locks.hem + _uneven(scalp, locks, steps, rng)
        lengths = np.minimum(lengths, _until(arc, scalp.height(steps) < hem))
    lengths = np.maximum(lengths, SHORTEST * scalp.scale)
    if poles is not None:
        gap = np.linalg.norm(steps - poles[:, None], axis=2)
        lengths = np.minimum(lengths, _until(arc, gap <= gap.min(1, keepdims=True) + 0.02 * scalp.scale))
    return np.asarray(lengths)


def arc_lengths(curves: Floats) -> Floats:
    """Arc length (L, S) from the root to each step's end."""
    return np.asarray(np.cumsum(np.linalg.norm(np.diff(curves, axis=1), axis=2), 1))


def _uneven(scalp: Scalp, locks: Locks, steps: Floats, rng: np.random.Generator) -> Floats:
    """How far (L, S) the hem is off its height at each step: tilted, and a few locks end much higher."""
    ragged = 0.5 * locks.layering * rng.uniform(-0.3, 1.0, len(steps))[:, None] ** 3
    return np.asarray(ragged - locks.hem_tilt * scalp.local(steps)[..., 0])


def _until(arc: Floats, stop: npt.NDArray[np.bool_]) -> Floats:
    """Arc length (L,) at which ``stop`` (L, S) first holds, or the whole length."""
    first = np.where(stop.any(1), stop.argmax(1), stop.shape[1] - 1)
    return np.asarray(arc[np.arange(len(arc)), first])
