"""How near created characters are to the look of the game: Frechet distance and mode score of two sets of pictures.

Shi et al. (ICCV 2019, Table 2) compare characters created from test photos with as many pictures drawn at random from
the imitator's training set, five times, and state mean and deviation.

N, M pictures, D features, K classes
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import InputError

Features = npt.NDArray[np.floating[Any]]

_SMALLEST: Final = 1e-16


def frechet_distance(first: Features, second: Features) -> float:
    """Squared Frechet distance of normal distributions fitted to (N, D) and (M, D), N and M at least 2 (Heusel 2017).

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). With Ci = Ai Ai^T of centered samples the trace of the root is the
    sum of the singular values of A1^T A2, an (N, M) matrix: exact where D is far above N and covariances are singular,
    which is where root finders of (D, D) matrices return complex numbers.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or min(len(first), len(second)) < 2:
        raise InputError(
            f"features: expected (N, D) and (M, D) of 2 rows or more, got {first.shape} and {second.shape}"
        )
    shift = first.mean(0, dtype=np.float64) - second.mean(0, dtype=np.float64)
    rooted, other = _rooted_covariance(first), _rooted_covariance(second)
    shared = np.linalg.svd(rooted @ other.T, compute_uv=False).sum()
    return float(shift @ shift + (rooted**2).sum() + (other**2).sum() - 2.0 * shared)


def mode_score(probabilities: Features, reference: Features) -> float:
    """exp(E_x KL(p(y|x) || p(y)) - KL(p(y) || p*(y))) of class probabilities (N, K); p* is the mean of (M, K).

    High where every picture is of one class, classes vary, and they are those of the reference (Che et al. 2017, as
    written by Xu et al. 2018). With ImageNet's classes on faces it says little; it is here because the paper has it.
    """
    if probabilities.ndim != 2 or reference.ndim != 2 or probabilities.shape[1] != reference.shape[1]:
        raise InputError(f"probabilities: expected (N, K) and (M, K), got {probabilities.shape} and {reference.shape}")
    mean, wanted = probabilities.mean(0, dtype=np.float64), reference.mean(0, dtype=np.float64)
    sharpness = np.mean([_divergence(row, mean) for row in probabilities.astype(np.float64)])
    return float(np.exp(sharpness - _divergence(mean, wanted)))


def _rooted_covariance(features: Features) -> npt.NDArray[np.float64]:
    """(N, D): its transpose times itself is the covariance."""
    centered = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    scaled: npt.NDArray[np.float64] = centered / np.sqrt(len(features) - 1)
    return scaled


def _divergence(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """KL(first || second) in nats; classes that the first never gives count nothing."""
    return float((first * (np.log(first + _SMALLEST) - np.log(second + _SMALLEST))).sum())
