"""Samplers draw vectors. Each is a pure function of (schema, seed, index).

V   length of a vector        C   sliders        n   vectors drawn at once

uniform   sliders uniform in [0, 1] (what imitators are trained on: Shi et al., TPAMI, section 4.1)
sobol     sliders from one scrambled Sobol sequence: covers the ranges more evenly for the same count
natural   faces one would meet: Gaussian around the average face, sliders of a group correlated
prior     faces like those created from photos: Gaussian in the whitened subspace of facial priors (section 3.5)

All of them draw every discrete choice uniformly, one-hot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema, Vector
from f2p_datasets.randomness import check_seed, generator
from f2p_datasets.slider_prior import SliderPrior


class Sampler(Protocol):
    """Draws vector number ``index``, whoever asks and in whatever order."""

    @property
    def name(self) -> str: ...

    def vector(self, index: int) -> Vector:
        """float32 (V,): sliders in [0, 1], every block one-hot."""

    def vectors(self, start: int, stop: int) -> Vector:
        """float32 (n, V): vectors ``start`` to ``stop``, without the last."""


class UniformSampler:
    """Sliders uniform and independent."""

    name: Final = "uniform"

    def __init__(self, schema: ParameterSchema, seed: int) -> None:
        self._schema, self._seed = schema, seed

    def vector(self, index: int) -> Vector:
        draw = generator(self._seed, index, "sampler.uniform")
        return _join(self._schema, draw.random(self._schema.num_continuous), self._seed, index)

    def vectors(self, start: int, stop: int) -> Vector:
        return _stack(self._schema, [self.vector(index) for index in range(start, stop)])


class SobolSampler:
    """Sliders from a Sobol sequence (Owen-scrambled by the seed); vector *i* is point *i* of the sequence."""

    name: Final = "sobol"

    def __init__(self, schema: ParameterSchema, seed: int) -> None:
        self._schema, self._seed = schema, seed

    def vector(self, index: int) -> Vector:
        return np.asarray(self.vectors(index, index + 1)[0], np.float32)

    def vectors(self, start: int, stop: int) -> Vector:
        points = self._points(start, stop)
        return _stack(
            self._schema,
            [_join(self._schema, point, self._seed, start + offset) for offset, point in enumerate(points)],
        )

    def _points(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        from scipy.stats import qmc  # half a second that only this sampler is to cost

        scramble = int(generator(self._seed, 0, "sampler.sobol").integers(2**63))
        sequence = qmc.Sobol(self._schema.num_continuous, rng=scramble)
        if start > 0:
            sequence.fast_forward(start)
            return np.asarray(sequence.random(stop - start))
        # The very first point is drawn alone: asked for a count that is no power of two, scipy would warn.
        return np.concatenate([sequence.random(1), sequence.random(max(stop - 1, 0))])[:stop]


class NaturalSampler:
    """Sliders Gaussian around the average face, clipped to [0, 1]; the sliders of a group move together.

    A slider is default + deviation * (shared + own), where ``shared`` mixes a few factors of its group. The mixture
    belongs to the character type, not to the seed: all natural datasets of a character follow one distribution.
    Few factors carry most of the variance, as in parameters fitted to photos (Shi et al., TPAMI, Figure 6 a).
    """

    name: Final = "natural"
    deviation: Final = 0.18  # of a slider's range
    shared_variance: Final = 0.85  # of a slider's variance, by factors of its group
    sliders_per_factor: Final = 4

    def __init__(self, schema: ParameterSchema, seed: int) -> None:
        self._schema, self._seed = schema, seed
        self._average = schema.default_vector()[: schema.num_continuous]
        self._factors, self._weights = _mix_groups(schema, self.sliders_per_factor)

    def vector(self, index: int) -> Vector:
        draw = generator(self._seed, index, "sampler.natural")
        factors = draw.standard_normal(self._schema.num_continuous)[self._factors]
        shared = sum(self._weights[:, k] * factors[:, k] for k in range(factors.shape[1]))
        own = draw.standard_normal(self._schema.num_continuous)
        moves = np.sqrt(self.shared_variance) * shared + np.sqrt(1.0 - self.shared_variance) * own
        sliders = np.clip(self._average + self.deviation * moves, 0.0, 1.0)
        return _join(self._schema, sliders, self._seed, index)

    def vectors(self, start: int, stop: int) -> Vector:
        return _stack(self._schema, [self.vector(index) for index in range(start, stop)])


class PriorSampler:
    """Sliders as in characters created from photos: mean + directions * standard normal amounts (TPAMI, equation 12).

    Amounts are held within the prior's limit, sliders within [0, 1]. Raises InputError for a prior of another schema.
    """

    name: Final = "prior"

    def __init__(self, schema: ParameterSchema, seed: int, prior: SliderPrior) -> None:
        if prior.fingerprint != schema.fingerprint:
            raise InputError(
                f"prior: fitted for schema {prior.fingerprint}, {schema.character} has {schema.fingerprint}; "
                f"fit it again: f2p priors fit --character {schema.character}"
            )
        self._schema, self._seed, self._prior = schema, seed, prior

    def vector(self, index: int) -> Vector:
        draw = generator(self._seed, index, "sampler.prior")
        amounts = np.clip(draw.standard_normal(len(self._prior.moves)), -self._prior.limit, self._prior.limit)
        sliders = self._prior.mean.copy()
        for amount, move in zip(amounts, self._prior.moves, strict=True):  # a matrix product's last digits may differ
            sliders += amount * move
        return _join(self._schema, np.clip(sliders, 0.0, 1.0), self._seed, index)

    def vectors(self, start: int, stop: int) -> Vector:
        return _stack(self._schema, [self.vector(index) for index in range(start, stop)])


SAMPLERS: Final[dict[str, Callable[[ParameterSchema, int], Sampler]]] = {
    "uniform": UniformSampler,
    "sobol": SobolSampler,
    "natural": NaturalSampler,
}


def build_sampler(name: str, schema: ParameterSchema, seed: int, prior: SliderPrior | None = None) -> Sampler:
    """The sampler of that name; ``prior`` is for the one called ``prior`` and no other.

    Raises InputError for an unknown name, a prior too many or too few, and for a negative seed.
    """
    check_seed(seed)
    if (prior is None) == (name == PriorSampler.name):
        raise InputError(
            f"prior: the sampler {name!r} takes none; leave it away or choose the sampler {PriorSampler.name!r}"
            if prior
            else f"prior: the sampler {name!r} draws by one; give the file that f2p priors fit wrote"
        )
    if prior is not None:
        return PriorSampler(schema, seed, prior)
    if name not in SAMPLERS:
        raise InputError(f"sampler: {name!r} is unknown; choose one of {', '.join(SAMPLERS)}, {PriorSampler.name}")
    return SAMPLERS[name](schema, seed)


def _mix_groups(
    schema: ParameterSchema, sliders_per_factor: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Which factors (C, K) move each slider, with which weights (C, K); a row of weights is a unit vector.

    Weights are applied factor by factor rather than by a matrix product, whose last digits depend on the processor.
    """
    largest = max(len(indices) for indices in schema.groups.values())
    most_factors = -(-largest // sliders_per_factor)
    factors = np.zeros((schema.num_continuous, most_factors), np.int64)
    weights = np.zeros((schema.num_continuous, most_factors))
    for number, indices in enumerate(schema.groups.values()):
        num_factors = -(-len(indices) // sliders_per_factor)
        draw = generator(0, number, "sampler.natural.mixture")
        factors[list(indices), :num_factors] = indices[:num_factors]  # numbered like the group's first sliders
        weights[list(indices), :num_factors] = draw.standard_normal((len(indices), num_factors))
    return factors, weights / np.sqrt((weights**2).sum(1, keepdims=True))


def _join(schema: ParameterSchema, sliders: npt.ArrayLike, seed: int, index: int) -> Vector:
    """Sliders (C,) and freshly drawn choices -> (V,)."""
    vector = np.zeros(schema.vector_size, np.float32)
    vector[: schema.num_continuous] = sliders
    draw = generator(seed, index, "sampler.choices")
    for block in schema.blocks.values():
        vector[block.start + int(draw.integers(block.stop - block.start))] = 1.0
    return vector


def _stack(schema: ParameterSchema, vectors: list[Vector]) -> Vector:
    return np.stack(vectors) if vectors else np.zeros((0, schema.vector_size), np.float32)
