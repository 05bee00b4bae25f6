from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.stats import qmc

from engine_bridge.errors import InputError
from engine_bridge.schema import ParameterSchema
from f2p_datasets.samplers import SAMPLERS, build_sampler

NAMES = sorted(SAMPLERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_does_not_depend_on_which_others_are_drawn_with_it(name: str, schema: ParameterSchema) -> None:
    sampler = build_sampler(name, schema, 5)
    together = sampler.vectors(0, 40)
    apart = np.concatenate([sampler.vectors(0, 13), sampler.vectors(13, 14), sampler.vectors(14, 40)])
    np.testing.assert_array_equal(together, apart)
    np.testing.assert_array_equal(together[29], build_sampler(name, schema, 5).vector(29))


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_valid_and_their_blocks_one_hot(name: str, schema: ParameterSchema) -> None:
    for vector in build_sampler(name, schema, 0).vectors(0, 50):
        assert vector.dtype == np.float32
        np.testing.assert_array_equal(schema.check_vector(vector), schema.harden(vector))


@pytest.mark.parametrize(
    ("name", "sliders"),
    [
        ("natural", [0.326546, 0.431393, 0.503478]),
        ("sobol", [0.93976, 0.2206, 0.54214]),
        ("uniform", [0.42361, 0.8932, 0.83647]),
    ],
)
def test_draws_never_change_between_versions(name: str, sliders: list[float], schema: ParameterSchema) -> None:
    """When this fails on purpose, raise rendering.CODE_VERSION."""
    assert build_sampler(name, schema, 0).vector(3)[:3].tolist() == pytest.approx(sliders, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ_and_zero_is_one_of_them(name: str, schema: ParameterSchema) -> None:
    zero, one = (build_sampler(name, schema, seed).vectors(0, 20) for seed in (0, 1))
    assert np.abs(zero[:, : schema.num_continuous] - one[:, : schema.num_continuous]).mean() > 0.05


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_is_drawn_about_as_often(name: str, schema: ParameterSchema) -> None:
    vectors = build_sampler(name, schema, 0).vectors(0, 2000)
    for block in schema.blocks.values():
        shares = vectors[:, block].mean(0) * (block.stop - block.start)
        assert shares.min() > 0.7
        assert shares.max() < 1.3


@pytest.mark.parametrize("name", ["uniform", "sobol"])
def test_sliders_cover_their_whole_range_evenly(name: str, schema: ParameterSchema) -> None:
    sliders = build_sampler(name, schema, 0).vectors(0, 2000)[:, : schema.num_continuous]
    deciles = np.quantile(sliders, np.linspace(0.1, 0.9, 9), axis=0)
    assert np.abs(deciles - np.linspace(0.1, 0.9, 9)[:, None]).max() < 0.05


def test_sobol_covers_more_evenly_than_uniform(schema: ParameterSchema) -> None:
    spread = {
        name: qmc.discrepancy(build_sampler(name, schema, 0).vectors(0, 256)[:, : schema.num_continuous])
        for name in ("uniform", "sobol")
    }
    assert spread["sobol"] < 0.8 * spread["uniform"]


def test_sobol_draws_any_count_without_a_warning(schema: ParameterSchema) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build_sampler("sobol", schema, 0).vectors(0, 7).shape == (7, schema.vector_size)
        assert build_sampler("sobol", schema, 0).vectors(0, 0).shape == (0, schema.vector_size)


def test_natural_faces_stay_around_the_average_face(schema: ParameterSchema) -> None:
    sliders = build_sampler("natural", schema, 0).vectors(0, 2000)[:, : schema.num_continuous]
    average = schema.default_vector()[: schema.num_continuous]
    assert np.abs(sliders.mean(0) - average).max() < 0.03
    assert sliders.std(0).min() > 0.16
    assert sliders.std(0).max() < 0.20


def test_natural_sliders_move_together_within_a_group_only(schema: ParameterSchema) -> None:
    sliders = build_sampler("natural", schema, 0).vectors(0, 3000)[:, : schema.num_continuous]
    correlation = np.abs(np.corrcoef(sliders.T))
    same_group = np.zeros_like(correlation, bool)
    for indices in schema.groups.values():
        same_group[np.ix_(indices, indices)] = True
    np.fill_diagonal(correlation, 0.0)
    assert correlation[same_group].max() > 0.3
    assert correlation[~same_group].max() < 0.1


def test_an_unknown_sampler_is_refused_with_the_choices(schema: ParameterSchema) -> None:
    with pytest.raises(InputError, match="'halton' is unknown; choose one of uniform, sobol, natural"):
        build_sampler("halton", schema, 0)
