"""Fixtures of the priors' tests: faces of the tiny character whose sliders move together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from engine_bridge.characters import load_schema
from engine_bridge.schema import ParameterSchema
from f2p_models.priors import FacialPriors, PriorsConfig, fit_priors

Vectors = npt.NDArray[np.float32]


@pytest.fixture(scope="session")
def schema() -> ParameterSchema:
    return load_schema("tiny")


@pytest.fixture(scope="session")
def faces(schema: ParameterSchema) -> Vectors:
    """200 vectors: Gaussian sliders around a mean that is not 0.5, correlated with each other; one choice each."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(schema.num_continuous, schema.num_continuous))
    moves = random.normal(size=(200, schema.num_continuous)) @ mixing / np.linalg.norm(mixing, axis=0)
    vectors = np.repeat(schema.default_vector()[None], 200, 0)
    vectors[:, : schema.num_continuous] = np.clip(0.45 + 0.1 * moves, 0.0, 1.0)
    return vectors


@pytest.fixture(scope="session")
def priors(schema: ParameterSchema, faces: Vectors) -> FacialPriors:
    """Two components of every group that has two."""
    return fit_priors(schema, faces, PriorsConfig(components=2, energy=None))
