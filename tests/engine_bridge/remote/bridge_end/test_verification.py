"""What a read-back tells: rounding is none of the engine's doing, everything else is."""

from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.characters import load_schema
from engine_bridge.errors import FrameRejectedError
from engine_bridge.frames import RenderRequest
from engine_bridge.remote.bridge_end.verification import read_back
from engine_bridge.schema import ParameterSchema, Vector

TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def schema() -> ParameterSchema:
    return load_schema("tiny")


@pytest.fixture
def request_(schema: ParameterSchema) -> RenderRequest:
    vector = schema.default_vector()
    vector[0] = 0.3
    return RenderRequest(request_id=1, character="tiny", vector=vector)


def applied(request: RenderRequest, error: float) -> Vector:
    """The request's vector, its first slider off by so much."""
    vector = request.vector.copy()
    vector[0] += np.float32(error)
    return vector


@pytest.mark.parametrize("error", [0.0, 1e-6, -5e-6])
def test_a_value_that_differs_by_rounding_is_the_one_asked_for(
    error: float, request_: RenderRequest, schema: ParameterSchema
) -> None:
    vector = read_back(applied(request_, error), request_, schema, TOLERANCE)
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, request_.vector)


def test_a_value_that_was_applied_otherwise_is_told_as_it_was_applied(
    request_: RenderRequest, schema: ParameterSchema
) -> None:
    otherwise = applied(request_, 5e-4)
    np.testing.assert_array_equal(read_back(otherwise, request_, schema, TOLERANCE), otherwise)


@pytest.mark.parametrize("error", [2e-3, np.nan])
def test_a_value_beyond_the_tolerance_is_refused(
    error: float, request_: RenderRequest, schema: ParameterSchema
) -> None:
    with pytest.raises(FrameRejectedError, match=r"announced a tolerance of 0\.001"):
        read_back(applied(request_, error), request_, schema, TOLERANCE)
