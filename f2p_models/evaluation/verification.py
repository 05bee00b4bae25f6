"""Face verification accuracy by face.evoLVe's 10-fold procedure (``util/verification.py``), as the papers report it.

N pairs, D features, K folds, T thresholds

    features (N, D) of both sides, rows of length 1 -> squared distances, 0 to 4 -> "same" below a threshold

The pairs are cut into ten consecutive folds. In each, the threshold that is best on the other nine (the first of
equals) decides about the fold's own pairs; the accuracy is the mean over folds. With PCA, the components are those of
the other nine folds' features, both sides together, and rows are brought to length 1 again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import InputError

Features = npt.NDArray[np.floating[Any]]
Matrix = npt.NDArray[np.float64]

Grid = Literal["official", "fine"]
GRIDS: Final[tuple[Grid, ...]] = get_args(Grid)
#: 0, 0.01, ... 3.99 is the official one. Squeezed embeddings have all their distances below 0.4: too coarse for them.
_GRID_STEPS: Final[Mapping[Grid, float]] = {"official": 0.01, "fine": 0.0001}
_LARGEST_DISTANCE: Final = 4.0

ALL_COMPONENTS: Final = 0


@dataclass(frozen=True, kw_only=True)
class VerificationProtocol:
    """How features are judged.

    grid          thresholds that are tried
    pca           components kept in each fold; 0 keeps all, None leaves PCA out
    square_root   signed square root of every feature (after PCA, before lengths), as 3DMM-CNN and Wen et al. take it
    num_folds     10 in the papers
    """

    grid: Grid = "official"
    pca: int | None = None
    square_root: bool = False
    num_folds: int = 10

    def __post_init__(self) -> None:
        if self.grid not in GRIDS:
            raise InputError(f"grid: {self.grid!r} is none of {', '.join(GRIDS)}")
        if self.pca is not None and self.pca < 0:
            raise InputError(f"pca: {self.pca} components; give 1 or more, or 0 for all")
        if self.num_folds < 2:
            raise InputError(f"num_folds: {self.num_folds}; one fold is judged by the others, so give 2 or more")

    @property
    def thresholds(self) -> Matrix:
        """(T,) ascending."""
        return np.arange(0.0, _LARGEST_DISTANCE, _GRID_STEPS[self.grid])


@dataclass(frozen=True, kw_only=True)
class Verification:
    """The result. Figures besides ``accuracy`` and ``threshold`` are not in the official procedure.

    accuracy          mean over folds, the figure of the papers; ``deviation`` is the standard deviation over folds
    threshold         mean of the folds' best
    fold_accuracies   one per fold
    auc               probability that a same pair is nearer than a different one, all held-out distances together
    true_accepts      false accept rate -> share of same pairs accepted at it; only rates that the pairs can resolve
    """

    num_pairs: int
    accuracy: float
    deviation: float
    threshold: float
    fold_accuracies: tuple[float, ...]
    auc: float
    true_accepts: Mapping[str, float]


def measure_verification(
    first: Features, second: Features, same: npt.NDArray[np.bool_], protocol: VerificationProtocol | None = None
) -> Verification:
    """Features (N, D) of both sides of N pairs, and whether they show the same person: (N,) bool.

    Raises InputError for other shapes, features that are not finite, and fewer pairs than folds.
    """
    protocol = protocol or VerificationProtocol()
    _check(first, second, same, protocol)
    distances, folds = heldout_distances(first, second, protocol), list(_folds(len(same), protocol.num_folds))
    accuracies, thresholds = [], []
    for rows, own, training in zip(distances, folds, _complements(len(same), folds), strict=True):
        right = accuracy_at(rows[training], same[training], protocol.thresholds)
        best = protocol.thresholds[int(np.argmax(right))]
        thresholds.append(best)
        accuracies.append(float(((rows[own] < best) == same[own]).mean()))
    held_out = np.concatenate([rows[own] for rows, own in zip(distances, folds, strict=True)])
    return Verification(
        num_pairs=len(same),
        accuracy=float(np.mean(accuracies)),
        deviation=float(np.std(accuracies)),
        threshold=float(np.mean(thresholds)),
        fold_accuracies=tuple(accuracies),
        auc=_auc(held_out, same),
        true_accepts=_true_accepts(held_out, same),
    )


def heldout_distances(first: Features, second: Features, protocol: VerificationProtocol) -> Matrix:
    """(K, N): all pairs' squared distances as each fold sees them. Without PCA every fold sees the same."""
    sides = [np.asarray(side, np.float64) for side in (first, second)]
    if protocol.pca is None:
        rows = _distances(*(_finished(side, protocol) for side in sides))
        return np.broadcast_to(rows, (protocol.num_folds, len(rows)))
    sides = [_unit(side) for side in sides]  # embeddings are unit vectors before PCA sees them
    folds = list(_folds(len(first), protocol.num_folds))
    return np.stack([_projected(sides, training, protocol) for training in _complements(len(first), folds)])


def accuracy_at(distances: Matrix, same: npt.NDArray[np.bool_], thresholds: Matrix) -> Matrix:
    """(T,): share of pairs that "same below the threshold" gets right."""
    accepted = [np.searchsorted(np.sort(distances[kind]), thresholds, side="left") for kind in (same, ~same)]
    right = accepted[0] + ((~same).sum() - accepted[1])
    return np.asarray(right / len(same), np.float64)


def _projected(sides: list[Matrix], training: npt.NDArray[np.int64], protocol: VerificationProtocol) -> Matrix:
    """(N,) distances in the principal components of the training pairs, both sides stacked."""
    stacked = np.concatenate([side[training] for side in sides])
    mean = stacked.mean(0)
    most = min(stacked.shape)
    if protocol.pca and protocol.pca > most:
        raise InputError(f"pca: {protocol.pca} components, but features and training pairs allow {most}; give fewer")
    _, _, components = np.linalg.svd(stacked - mean, full_matrices=False)
    kept = components[: protocol.pca or most].T
    return _distances(*(_finished((side - mean) @ kept, protocol) for side in sides))


def _finished(features: Matrix, protocol: VerificationProtocol) -> Matrix:
    return _unit(np.sign(features) * np.sqrt(np.abs(features)) if protocol.square_root else features)


def _unit(features: Matrix) -> Matrix:
    """Rows of length 1; a row of zeros stays one, as scikit-learn has it."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(lengths == 0.0, 1.0, lengths), np.float64)


def _distances(first: Matrix, second: Matrix) -> Matrix:
    return np.asarray(((first - second) ** 2).sum(1), np.float64)


def _folds(num_pairs: int, num_folds: int) -> Iterator[npt.NDArray[np.int64]]:
    """Consecutive blocks, the first of them one longer where they cannot be equal: KFold without shuffling."""
    yield from np.array_split(np.arange(num_pairs, dtype=np.int64), num_folds)


def _complements(num_pairs: int, folds: list[npt.NDArray[np.int64]]) -> Iterator[npt.NDArray[np.int64]]:
    for fold in folds:
        yield np.delete(np.arange(num_pairs, dtype=np.int64), fold)


def _auc(distances: Matrix, same: npt.NDArray[np.bool_]) -> float:
    """Mann-Whitney: equal distances count half. NaN when one kind is missing."""
    near, far = distances[same], np.sort(distances[~same])
    if not len(near) or not len(far):
        return float("nan")
    below = np.searchsorted(far, near, side="left") + np.searchsorted(far, near, side="right")
    return float(1.0 - below.mean() / 2 / len(far))


def _true_accepts(distances: Matrix, same: npt.NDArray[np.bool_]) -> dict[str, float]:
    """At rates that at least one different pair stands for."""
    near, far = distances[same], np.sort(distances[~same])
    rates = [rate for rate in (1e-3, 1e-2, 1e-1) if rate * len(far) >= 1.0]
    return {f"{rate:g}": float((near < far[int(rate * len(far))]).mean()) for rate in rates if len(near)}


def _check(first: Features, second: Features, same: npt.NDArray[np.bool_], protocol: VerificationProtocol) -> None:
    if first.ndim != 2 or first.shape != second.shape or same.shape != (len(first),) or same.dtype != bool:
        raise InputError(
            f"features: expected two of shape (N, D) and N flags, got {first.shape}, {second.shape} and {same.shape}"
        )
    if len(same) < protocol.num_folds:
        raise InputError(f"pairs: {len(same)} are too few for {protocol.num_folds} folds")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("features: some are not finite; the network that made them is broken")
