from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from engine_bridge.errors import InputError
from f2p_models.evaluation.style import frechet_distance, mode_score


def draw(seed: int, rows: int, columns: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return scale * np.random.Generator(np.random.Philox(seed)).standard_normal((rows, columns)) + shift


def by_the_book(first: np.ndarray, second: np.ndarray) -> float:
    """The formula as Heusel et al. wrote it, with scipy's root of a matrix."""
    root = scipy.linalg.sqrtm(np.cov(first, rowvar=False) @ np.cov(second, rowvar=False)).real
    spread = np.cov(first, rowvar=False) + np.cov(second, rowvar=False) - 2 * root
    return float(((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(spread))


@pytest.mark.parametrize(("rows", "others"), [(60, 60), (200, 40)])
def test_the_distance_is_that_of_the_textbook(rows: int, others: int) -> None:
    first, second = draw(1, rows, 8), draw(2, others, 8) @ draw(3, 8, 8) + 0.5
    assert frechet_distance(first, second) == pytest.approx(by_the_book(first, second), rel=1e-6)


def test_with_more_features_than_pictures_the_distance_is_still_exact() -> None:
    """Covariances of known rank in 300 dimensions: the same samples in a corner of them have the same distance."""
    first, second = draw(1, 12, 6), draw(2, 15, 6, 2.0, 1.0)
    basis, _ = np.linalg.qr(draw(3, 300, 6))
    far = frechet_distance(first @ basis.T, second @ basis.T)
    assert far == pytest.approx(frechet_distance(first, second), rel=1e-9)


def test_a_shift_alone_counts_by_its_square() -> None:
    first = draw(1, 50, 4)
    assert frechet_distance(first, first + 3.0) == pytest.approx(4 * 9.0)


def test_a_wider_spread_alone_counts_by_the_difference_of_deviations() -> None:
    first = draw(1, 50, 1)
    assert frechet_distance(first, 3.0 * (first - first.mean()) + first.mean()) == pytest.approx(
        (2.0 * first.std(ddof=1)) ** 2
    )


def test_equal_sets_are_at_zero_whatever_their_order() -> None:
    first = draw(1, 40, 100)
    assert frechet_distance(first, first[::-1]) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("shapes", [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,))])
def test_features_of_other_shapes_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match="features: expected"):
        frechet_distance(np.zeros(shapes[0]), np.zeros(shapes[1]))


def test_sure_and_varied_pictures_of_the_reference_score_the_number_of_classes() -> None:
    assert mode_score(np.eye(4), np.eye(4)) == pytest.approx(4.0)


def test_pictures_that_are_all_of_one_class_score_less_than_one_against_a_varied_reference() -> None:
    same = np.tile(np.eye(4)[:1], (6, 1))
    assert mode_score(same, np.eye(4)) == pytest.approx(1 / 4)


def test_undecided_pictures_score_one() -> None:
    assert mode_score(np.full((5, 4), 0.25), np.full((7, 4), 0.25)) == pytest.approx(1.0)


def test_probabilities_of_other_classes_are_refused() -> None:
    with pytest.raises(InputError, match="probabilities: expected"):
        mode_score(np.eye(4), np.eye(3))
