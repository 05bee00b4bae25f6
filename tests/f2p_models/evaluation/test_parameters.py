from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.errors import InputError
from f2p_models.evaluation import measure_parameters

TRUE = np.array(
    [[0.2, 0.4, 0.6, 0.0, 1, 0, 0], [0.4, 0.4, 0.2, 1.0, 1, 0, 0], [0.6, 0.4, 0.4, 0.5, 0, 0, 1]], np.float32
)


def test_the_truth_has_no_error_and_full_skill(small_schema):
    errors = measure_parameters(small_schema, TRUE, TRUE)

    assert (errors.slider_error, errors.skill) == (0.0, 1.0)
    assert errors.choice_accuracy["hairstyle"][0] == 1.0


def test_the_mean_vector_has_no_skill(small_schema):
    errors = measure_parameters(small_schema, np.tile(TRUE.mean(0), (3, 1)), TRUE)

    assert errors.skill == pytest.approx(0.0, abs=1e-6)


def test_errors_are_told_apart_by_group(small_schema):
    created = TRUE.copy()
    created[:, 2:4] += 0.1

    errors = measure_parameters(small_schema, created, TRUE)

    assert errors.group_errors["eye"][0] == 0.0
    assert errors.group_errors["jaw"][0] == pytest.approx(0.1, abs=1e-6)
    assert errors.slider_error == pytest.approx(0.05, abs=1e-6)


def test_the_most_frequent_choice_is_the_yardstick_of_choices(small_schema):
    created = TRUE.copy()
    created[:, 4:] = [1, 0, 0]

    right, frequent = measure_parameters(small_schema, created, TRUE).choice_accuracy["hairstyle"]

    assert (right, frequent) == pytest.approx((2 / 3, 2 / 3))


def test_vectors_of_another_length_are_refused(small_schema):
    with pytest.raises(InputError, match=r"\(N, 7\)"):
        measure_parameters(small_schema, TRUE[:, :5], TRUE[:, :5])
