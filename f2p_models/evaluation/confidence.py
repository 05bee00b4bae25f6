"""How sure one may be of a created character: similarity as a probability, calibrated on held-out people.

N photos, N characters, one of each per person

    similarity of a photo and its character's render -> 1 / (1 + exp(-(slope * similarity + offset)))

Similarities mean nothing by themselves: one embedder calls 0.4 a stranger, another a twin. On people whose characters
were made by the same version in the same mode, both are known: how similar characters are to their own photos, and how
similar to other people's. A logistic curve between the two (Platt, 1999) says how probable it is that a character of
that similarity shows the person in the photo and not a stranger, if either was as likely before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from torch import Tensor

from engine_bridge.errors import InputError

_NEWTON_STEPS: Final = 50
_SMALLEST_CURVATURE: Final = 1e-9
_STEEPEST: Final = 200.0


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A curve from similarity to confidence, fitted on ``num_photos`` held-out people."""

    slope: float
    offset: float
    num_photos: int

    def confidence(self, similarity: float) -> float:
        """In (0, 1): 0.5 where own and strange photos are as similar."""
        return float(_sigmoid(np.float64(self.slope * similarity + self.offset)))


def calibrate(similarity: Tensor) -> Calibration:
    """``similarity`` (N, N): row is the character, column the photo, the diagonal are own pairs. N at least 2.

    Own pairs weigh as much as all others together. Targets are Platt's: never quite 0 or 1, so that people who are
    told apart perfectly still give a finite slope. Raises InputError for another shape.
    """
    num_photos = len(similarity)
    if num_photos < 2 or similarity.shape != (num_photos, num_photos):
        raise InputError(f"similarity: expected (N, N) with N at least 2, got {tuple(similarity.shape)}")
    values = similarity.double().cpu().numpy()
    own = np.eye(num_photos, dtype=bool)
    slope, offset = _fit_logistic(values[own], values[~own])
    return Calibration(slope=slope, offset=offset, num_photos=num_photos)


def _fit_logistic(own: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset with the largest weighted likelihood, by Newton's method on standardised similarities."""
    values = np.concatenate([own, others])
    targets = np.concatenate([np.full_like(own, 1 - 1 / (len(own) + 2)), np.full_like(others, 1 / (len(own) + 2))])
    weights = np.concatenate([np.full_like(own, 0.5 / len(own)), np.full_like(others, 0.5 / len(others))])
    center, spread = values.mean(), max(float(values.std()), 1e-6)
    features = np.stack([(values - center) / spread, np.ones_like(values)], 1)
    coefficients = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        predicted = _sigmoid(features @ coefficients)
        gradient = features.T @ (weights * (predicted - targets))
        curvature = (features * (weights * predicted * (1.0 - predicted))[:, None]).T @ features
        step = np.linalg.solve(curvature + _SMALLEST_CURVATURE * np.eye(2), gradient)
        coefficients = np.clip(coefficients - step, -_STEEPEST, _STEEPEST)
    slope = coefficients[0] / spread
    return float(slope), float(coefficients[1] - slope * center)


def _sigmoid(values: npt.NDArray[np.float64] | np.float64) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)))
