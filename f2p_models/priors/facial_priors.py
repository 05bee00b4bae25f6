"""Facial priors: sliders seen through what is known of faces (Shi et al., TPAMI, section 3.5, equations 11 and 12).

B   batch             V   entries of a vector, the C sliders first
C   sliders           K   coefficients: components of all groups together

    sliders (B, C) - m -> P^T -> coefficients (B, K) -> pseudo-inverse of P^T -> + m -> sliders (B, C)

P holds, group by group, the leading principal directions of parameters that were created from front-view photos, each
divided by its standard deviation: over those photos the coefficients have mean 0 and covariance I. Equation 12 prints
the way back as (P P^T)^-1 P, which is the pseudo-inverse of P^T when nothing is left out; with fewer components than
sliders P P^T has no inverse, and the pseudo-inverse is what is meant.

The paper does not say what to do with a face that lies inside the subspace but far outside of all faces seen. Whitened
coordinates answer it: coefficients are held within ``limit`` standard deviations. Choices (the discrete part of a
vector) are no matter of geometry and pass unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from f2p_models.boundaries import check_size
from f2p_models.errors import PriorsError, TensorError


@dataclass(frozen=True, kw_only=True)
class PriorGroup:
    """The principal directions of one group of c sliders; k of them are kept.

    indices     of the sliders in a vector
    axes        (k, c) float32, orthonormal rows
    deviations  (k,) float32, positive: standard deviation along each axis
    variances   (c,) float32, descending: along all c principal axes, for the curve of figure 6 (a)
    """

    name: str
    indices: tuple[int, ...]
    axes: Tensor
    deviations: Tensor
    variances: Tensor

    def __post_init__(self) -> None:
        num_kept, size = len(self.deviations), len(self.indices)
        shapes = [tuple(tensor.shape) for tensor in (self.axes, self.deviations, self.variances)]
        if shapes != [(num_kept, size), (num_kept,), (size,)] or num_kept > size:
            raise PriorsError(f"{self.name}: axes, deviations and variances of {size} sliders have shapes {shapes}")
        if not all(bool(torch.isfinite(tensor).all()) for tensor in (self.axes, self.deviations, self.variances)):
            raise PriorsError(f"{self.name}: axes, deviations and variances must be finite; fit the priors again")
        if bool((self.deviations <= 0.0).any()):
            raise PriorsError(f"{self.name}: a deviation is not positive; fit the priors again")

    @property
    def num_components(self) -> int:
        """k."""
        return len(self.deviations)

    @property
    def energy(self) -> Tensor:
        """(c,) in [0, 1]: share of the variance that the first 1, 2, ... c components keep; 1 where nothing varies."""
        total = self.variances.sum()
        return self.variances.cumsum(0) / total if total > 0.0 else torch.ones_like(self.variances)

    @property
    def kept_energy(self) -> float:
        """Share of the variance that the k components keep."""
        return float(self.energy[self.num_components - 1]) if self.num_components else float(self.energy.min() == 1.0)


@dataclass(frozen=True, kw_only=True)
class PriorsCard:
    """Where priors come from and what they fit.

    num_faces  characters that they were fitted on
    limit      standard deviations that a coefficient may be away from the mean
    source     what the faces were, e.g. the key of a dataset and the mode they were created in
    """

    character: str
    fingerprint: str
    num_faces: int
    limit: float
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.limit > 0.0:
            raise PriorsError(f"limit: {self.limit} standard deviations leave only the mean face; give a positive one")


class FacialPriors(nn.Module):
    """A character type's faces, as mean and whitened principal directions. Nothing in it is trained by gradients.

    ``mean`` is (C,); ``groups`` cover every slider once. Differentiable from end to end.
    """

    mean: Tensor
    whitening: Tensor
    unwhitening: Tensor

    def __init__(self, card: PriorsCard, mean: Tensor, groups: Sequence[PriorGroup]) -> None:
        super().__init__()
        self.card, self.groups = card, tuple(groups)
        covered = sorted(index for group in self.groups for index in group.indices)
        if covered != list(range(len(mean))):
            raise PriorsError(f"groups: must cover each of {len(mean)} sliders once; fit the priors again")
        whitening, unwhitening = _projections(len(mean), self.groups)
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("whitening", whitening)
        self.register_buffer("unwhitening", unwhitening)

    @property
    def num_sliders(self) -> int:
        """C."""
        return self.mean.shape[0]

    @property
    def num_components(self) -> int:
        """K."""
        return self.whitening.shape[1]

    def encode(self, vectors: Tensor) -> Tensor:
        """Vectors (B, V), or their sliders (B, C) -> coefficients (B, K) (equation 11)."""
        return (self._sliders(vectors) - self.mean) @ self.whitening

    def decode(self, coefficients: Tensor) -> Tensor:
        """Coefficients (B, K) -> sliders (B, C) in [0, 1] (equation 12, and the projection of section 3.4.2)."""
        check_size(coefficients, self.num_components, "coefficients")
        return (coefficients @ self.unwhitening + self.mean).clamp(0.0, 1.0)

    def limited(self, coefficients: Tensor) -> Tensor:
        """Each coefficient within the card's limit."""
        return coefficients.clamp(-self.card.limit, self.card.limit)

    def project(self, vectors: Tensor) -> Tensor:
        """The nearest vectors (B, V) with faces that the priors know: sliders re-expressed, choices as they are."""
        sliders = self.decode(self.limited(self.encode(vectors)))
        return torch.cat([sliders, vectors[:, self.num_sliders :]], dim=1)

    def _sliders(self, vectors: Tensor) -> Tensor:
        if vectors.ndim != 2 or vectors.shape[1] < self.num_sliders:
            raise TensorError(f"vectors: expected (B, {self.num_sliders} or more), got {tuple(vectors.shape)}")
        return vectors[:, : self.num_sliders]


def _projections(num_sliders: int, groups: Sequence[PriorGroup]) -> tuple[Tensor, Tensor]:
    """P (C, K) and the pseudo-inverse of its transpose, as (K, C): both zero where a slider is not in the group."""
    num_components = sum(group.num_components for group in groups)
    whitening, unwhitening = torch.zeros(num_sliders, num_components), torch.zeros(num_components, num_sliders)
    start = 0
    for group in groups:
        rows, indices = slice(start, start + group.num_components), list(group.indices)
        whitening[indices, rows] = (group.axes / group.deviations[:, None]).T.float()
        unwhitening[rows, indices] = (group.axes * group.deviations[:, None]).float()
        start = rows.stop
    return whitening, unwhitening
