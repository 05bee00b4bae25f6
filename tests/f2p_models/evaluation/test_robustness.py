from __future__ import annotations

import numpy as np
import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.creation import Creator, IterativeConfig
from f2p_models.evaluation.disturbances import Disturbance
from f2p_models.evaluation.robustness import (
    RobustnessTrial,
    choices_kept,
    difference_between,
    slider_difference,
)
from f2p_models.pictures import to_bytes


def randomness(number: int, row: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox([number, row]))


@pytest.fixture
def creator(small_bundle) -> Creator:
    return Creator(small_bundle, IterativeConfig.quick())


@pytest.fixture
def make_trial(creator, photos):
    """A trial that the imitator draws and the embedder judges."""

    def make(**changes) -> RobustnessTrial:
        def render(vectors):
            return to_bytes(creator.pictures(torch.from_numpy(vectors)))

        given = {"mode": "one-shot", "randomness": randomness} | changes
        faces = given.pop("photos", photos)
        return RobustnessTrial(creator, faces, render, {"dlib": creator.bundle.embedder}, **given)

    return make


def same(picture, _random):
    return picture


def black(picture, _random):
    return np.zeros_like(picture)


def run(trial: RobustnessTrial, **applied):
    seen = []
    disturbances = [Disturbance(name=name, family="test", apply=apply) for name, apply in applied.items()]
    return trial.run(disturbances, lambda _, characters: seen.append(characters)), seen


def test_a_photo_that_is_left_alone_gives_the_same_character(make_trial) -> None:
    result, _ = run(make_trial(), nothing=same)
    (found,) = result.disturbed
    assert (found.slider_change, found.choices_kept) == (pytest.approx(0.0, abs=2e-3), 1.0)  # 8 bits
    assert found.judged["dlib"].own_similarity == pytest.approx(
        result.undisturbed.judged["dlib"].own_similarity, abs=1e-2
    )


def test_photos_of_nothing_change_the_sliders_and_leave_all_people_alike(make_trial) -> None:
    result, seen = run(make_trial(), black=black)
    (found,) = result.disturbed
    assert found.slider_change > 0.0
    assert np.ptp(seen[0].vectors, axis=0).max() < 1e-6


def test_random_disturbances_differ_between_photos_and_are_repeated(make_trial) -> None:
    def noisy(picture, random):
        return random.integers(0, 256, picture.shape, np.uint8)

    first, second = (run(make_trial(), noisy=noisy)[1][0].photos for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_errors_are_measured_where_the_truth_is_known(make_trial, small_schema) -> None:
    truth = np.tile(small_schema.default_vector(), (5, 1))
    truth[:, 0] = np.linspace(0.0, 1.0, 5)
    result, _ = run(make_trial(truth=truth), black=black)
    assert result.undisturbed.parameters is not None
    assert set(result.undisturbed.parameters.group_errors) == set(small_schema.groups)
    assert run(make_trial(), black=black)[0].undisturbed.parameters is None


def test_one_photo_cannot_be_found_among_others(make_trial, photos) -> None:
    with pytest.raises(InputError, match="found among 2 at least"):
        make_trial(photos=photos[:1])


def test_sliders_and_choices_are_compared_apart(small_schema) -> None:
    first = np.tile(small_schema.default_vector(), (2, 1))
    second = first.copy()
    second[:, : small_schema.num_continuous] += 0.1
    second[1, small_schema.num_continuous :] = np.roll(first[1, small_schema.num_continuous :], 1)
    assert slider_difference(small_schema, first, second) == pytest.approx(0.1)
    assert choices_kept(small_schema, first, second) == 0.5


def test_people_differ_by_the_mean_of_all_pairs(small_schema) -> None:
    vectors = np.tile(small_schema.default_vector(), (3, 1))
    vectors[:, : small_schema.num_continuous] = np.array([0.0, 0.3, 0.9])[:, None]
    assert difference_between(small_schema, vectors) == pytest.approx((0.3 + 0.6 + 0.9) / 3)
