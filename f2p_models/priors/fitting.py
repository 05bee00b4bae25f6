"""Fitting facial priors: a singular value decomposition of created parameters, group by group (TPAMI, section 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from engine_bridge.schema import ParameterSchema
from f2p_models.errors import PriorsError
from f2p_models.priors.facial_priors import FacialPriors, PriorGroup, PriorsCard
from f2p_models.priors.regions import face_regions

#: Directions along which sliders move less than this, as a share of their range, are not divided by it: they are noise.
SMALLEST_DEVIATION: Final = 1e-4


@dataclass(frozen=True, kw_only=True)
class PriorsConfig:
    """How much of the parameters' variety is kept.

    components  of every group, as far as it has them; or None, then
    energy      the share of each group's variance that its components keep at least. The paper states neither
    limit       standard deviations that a coefficient may be away from the mean
    """

    components: int | None = None
    energy: float | None = 0.95
    limit: float = 3.0

    def __post_init__(self) -> None:
        if (self.components is None) == (self.energy is None):
            raise PriorsError(
                f"components, energy: give one of the two and None for the other, got {self.components} and "
                f"{self.energy}"
            )
        if self.components is not None and self.components < 1:
            raise PriorsError(f"components: {self.components} keep nothing; give 1 or more")
        if self.energy is not None and not 0.0 < self.energy <= 1.0:
            raise PriorsError(f"energy: the share of the variance to keep lies in (0, 1], got {self.energy}")
        if not self.limit > 0.0:
            raise PriorsError(f"limit: {self.limit} standard deviations leave only the mean face; give a positive one")


def fit_priors(
    schema: ParameterSchema,
    vectors: npt.ArrayLike,
    config: PriorsConfig | None = None,
    *,
    source: Mapping[str, Any] | None = None,
) -> FacialPriors:
    """Priors of the faces in ``vectors`` (N, V), N at least 2, created from front-view photos.

    The same vectors give the same priors. Raises PriorsError for fewer vectors, another length or range.
    """
    config = config or PriorsConfig()
    sliders = _checked_sliders(schema, vectors)
    mean = sliders.mean(0)
    groups = [
        _fit_group(name, indices, (sliders - mean)[:, list(indices)], config)
        for name, indices in face_regions(schema).items()
    ]
    card = PriorsCard(
        character=schema.character,
        fingerprint=schema.fingerprint,
        num_faces=len(sliders),
        limit=config.limit,
        source=dict(source or {}),
    )
    return FacialPriors(card, torch.from_numpy(mean).float(), groups)


def _checked_sliders(schema: ParameterSchema, vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
    given = np.asarray(vectors, np.float64)
    if given.ndim != 2 or given.shape[1] != schema.vector_size:
        raise PriorsError(f"vectors: {schema.character} has (N, {schema.vector_size}), got {given.shape}")
    if len(given) < 2:
        raise PriorsError(f"vectors: {len(given)} face(s) do not vary; priors need 2 at least, and hundreds to be good")
    if not np.all((given >= 0.0) & (given <= 1.0)):
        raise PriorsError("vectors: entries lie in [0, 1]; encode the values with the character's schema")
    return given[:, : schema.num_continuous]


def _fit_group(
    name: str, indices: tuple[int, ...], centered: npt.NDArray[np.float64], config: PriorsConfig
) -> PriorGroup:
    """``centered`` is (N, c): the sliders of the group without their mean."""
    _, singular_values, axes = np.linalg.svd(centered, full_matrices=False)
    variances = np.zeros(len(indices))
    variances[: len(singular_values)] = singular_values**2 / (len(centered) - 1)
    num_kept = _num_components(variances, config)
    kept = _signed(axes[:num_kept])
    return PriorGroup(
        name=name,
        indices=indices,
        axes=torch.from_numpy(kept).float(),
        deviations=torch.from_numpy(np.sqrt(variances[:num_kept])).float(),
        variances=torch.from_numpy(variances).float(),
    )


def _num_components(variances: npt.NDArray[np.float64], config: PriorsConfig) -> int:
    usable = int((variances > SMALLEST_DEVIATION**2).sum())
    if config.components is not None:
        return min(config.components, usable)
    assert config.energy is not None
    total = variances.sum()
    if total <= 0.0:
        return 0
    enough = int(np.searchsorted(variances.cumsum() / total, config.energy - 1e-12)) + 1
    return min(enough, usable)


def _signed(axes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A direction and its opposite are the same component; the one whose largest entry is positive is kept."""
    largest = np.abs(axes).argmax(1)
    return np.asarray(axes * np.sign(axes[np.arange(len(axes)), largest])[:, None])
