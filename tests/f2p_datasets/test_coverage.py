from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from engine_bridge.characters import load_schema
from engine_bridge.schema import ParameterSchema, Vector
from f2p_datasets.coverage import measure_coverage
from f2p_datasets.samplers import build_sampler


@pytest.fixture(scope="module")
def schema() -> ParameterSchema:
    return load_schema("tiny")


def drawn(schema: ParameterSchema, count: int, sampler: str = "uniform", seed: int = 0) -> Vector:
    return build_sampler(sampler, schema, seed).vectors(0, count)


def table(schema: ParameterSchema, vectors: Vector) -> pa.Table:
    return pa.Table.from_pylist([schema.decode(vector) for vector in vectors])


@pytest.mark.parametrize("sampler", ["uniform", "sobol"])
@pytest.mark.parametrize("seed", range(5))
def test_an_honest_dataset_is_covered(schema: ParameterSchema, sampler: str, seed: int) -> None:
    found = measure_coverage(table(schema, drawn(schema, 400, sampler, seed)), schema, sampler)
    assert found.thin == ()
    assert found.num_expected == found.num_cells > 10 * schema.num_continuous


def test_a_slider_that_the_engine_stops_short_of_its_end_is_found(schema: ParameterSchema) -> None:
    vectors = drawn(schema, 400)
    vectors[:, 0] = np.minimum(vectors[:, 0], 0.85)
    found = measure_coverage(table(schema, vectors), schema, "uniform")
    [thin] = found.thin
    assert thin.startswith(f"{schema.continuous[0].name} at 90 to 100 % of its range: 0 pairs, at least ")


def test_a_slider_that_the_engine_ignores_is_found(schema: ParameterSchema) -> None:
    vectors = drawn(schema, 400)
    vectors[:, 1] = 0.5
    found = measure_coverage(table(schema, vectors), schema, "uniform")
    assert f"{schema.continuous[1].name}: the same value in every pair" in found.thin
    assert len(found.thin) == 10  # nine empty tenths, too


def test_a_choice_that_the_engine_does_not_apply_is_found(schema: ParameterSchema) -> None:
    block = next(iter(schema.blocks.values()))
    vectors = drawn(schema, 400, "natural")
    missing = vectors[:, block.start + 1] == 1.0
    vectors[missing, block.start], vectors[missing, block.start + 1] = 1.0, 0.0
    found = measure_coverage(table(schema, vectors), schema, "natural")
    parameter = schema.discrete[0]
    assert [line.split(":")[0] for line in found.thin] == [f"{parameter.name} {parameter.choices[1]!r}"]


def test_a_few_pairs_are_expected_to_cover_nothing(schema: ParameterSchema) -> None:
    found = measure_coverage(table(schema, drawn(schema, 8)), schema, "uniform")
    assert (found.num_expected, found.thin) == (0, ())


def test_samplers_around_an_average_face_promise_no_even_range(schema: ParameterSchema) -> None:
    pairs = table(schema, drawn(schema, 400, "natural"))
    assert measure_coverage(pairs, schema, "natural").thin == ()
    assert measure_coverage(pairs, schema, "uniform").thin != ()
