from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from sklearn.preprocessing import normalize

from engine_bridge.errors import InputError
from f2p_models.evaluation.verification import (
    ALL_COMPONENTS,
    VerificationProtocol,
    accuracy_at,
    measure_verification,
)

Array = np.ndarray


def faces(seed: int, num_pairs: int, size: int, noise: float = 1.0) -> tuple[Array, Array, Array]:
    """Unit features of pairs of which about half show one person, in random order."""
    generator = np.random.default_rng(seed)
    same = generator.random(num_pairs) < 0.5
    first = generator.normal(size=(num_pairs, size)) + 0.5
    second = np.where(same[:, None], first, generator.normal(size=(num_pairs, size)) + 0.5)
    second = second + noise * generator.normal(size=(num_pairs, size))
    return normalize(first), normalize(second), same


def slow_accuracy(threshold: float, distances: Array, same: Array) -> float:
    """face.evoLVe's ``calculate_accuracy``."""
    predicted = np.less(distances, threshold)
    right = np.sum(np.logical_and(predicted, same)) + np.sum(
        np.logical_and(np.logical_not(predicted), np.logical_not(same))
    )
    return float(right) / distances.size


def slow_procedure(
    first: Array, second: Array, same: Array, thresholds: Array, pca: int
) -> tuple[list[float], list[float]]:
    """face.evoLVe's ``calculate_roc``, threshold by threshold: accuracies and best thresholds of the folds."""
    accuracies, best_thresholds = [], []
    distances = np.sum(np.square(first - second), 1)
    for train, test in KFold(n_splits=10, shuffle=False).split(np.arange(len(same))):
        if pca > 0:
            model = PCA(n_components=pca, svd_solver="full")
            model.fit(np.concatenate((first[train], second[train]), axis=0))
            projected = [normalize(model.transform(side)) for side in (first, second)]
            distances = np.sum(np.square(projected[0] - projected[1]), 1)
        right = [slow_accuracy(threshold, distances[train], same[train]) for threshold in thresholds]
        best_thresholds.append(float(thresholds[np.argmax(right)]))
        accuracies.append(slow_accuracy(best_thresholds[-1], distances[test], same[test]))
    return accuracies, best_thresholds


@pytest.mark.parametrize("pca", [None, 3, 8])
@given(seed=st.integers(0, 10**6), num_pairs=st.integers(10, 47), noise=st.floats(0.1, 3.0))
@settings(max_examples=15, deadline=None)
def test_it_is_the_official_procedure(pca: int | None, seed: int, num_pairs: int, noise: float) -> None:
    first, second, same = faces(seed, num_pairs, 8, noise)
    protocol = VerificationProtocol(pca=pca)
    found = measure_verification(first, second, same, protocol)
    accuracies, thresholds = slow_procedure(first, second, same, np.arange(0, 4, 0.01), pca or 0)
    assert found.fold_accuracies == pytest.approx(accuracies)
    assert found.accuracy == pytest.approx(np.mean(accuracies))
    assert found.threshold == pytest.approx(np.mean(thresholds))


def test_all_components_are_as_many_as_there_are_features() -> None:
    first, second, same = faces(0, 60, 8)
    every = measure_verification(first, second, same, VerificationProtocol(pca=ALL_COMPONENTS))
    assert every == measure_verification(first, second, same, VerificationProtocol(pca=8))


def test_thresholds_are_the_official_four_hundred() -> None:
    np.testing.assert_array_equal(VerificationProtocol().thresholds, np.arange(0, 4, 0.01))


def test_same_is_strictly_below_the_threshold() -> None:
    right = accuracy_at(np.array([0.5, 0.5]), np.array([True, False]), np.array([0.0, 0.5, 0.51]))
    assert right.tolist() == [0.5, 0.5, 0.5]
    assert accuracy_at(np.array([0.5]), np.array([True]), np.array([0.5, 0.51])).tolist() == [0.0, 1.0]


def test_a_fold_has_no_say_in_its_own_threshold() -> None:
    """Nine folds are separable at 0.01; the pairs of the tenth are all swapped, and so all judged wrong."""
    angle = np.where(np.arange(100) % 2 == 0, 0.01, 1.0)
    angle[90:] = np.where(np.arange(10) % 2 == 0, 1.0, 0.01)
    first = np.tile([1.0, 0.0], (100, 1))
    second = np.stack([np.cos(angle), np.sin(angle)], 1)
    found = measure_verification(first, second, np.arange(100) % 2 == 0)
    assert found.fold_accuracies == (1.0,) * 9 + (0.0,)
    assert found.deviation == pytest.approx(0.3)


def test_lengths_do_not_count() -> None:
    first, second, same = faces(1, 50, 6)
    scaled = first * np.linspace(0.1, 50, 50)[:, None]
    found, again = (measure_verification(one, second, same) for one in (first, scaled))
    assert again.fold_accuracies == found.fold_accuracies


def test_the_fine_grid_separates_what_the_official_one_cannot() -> None:
    """All distances lie below 0.01, as squeezed embeddings' do."""
    same = np.arange(100) % 2 == 0
    angle = np.where(same, 0.03, 0.06)
    first, second = np.tile([1.0, 0.0], (100, 1)), np.stack([np.cos(angle), np.sin(angle)], 1)
    assert measure_verification(first, second, same).accuracy == pytest.approx(0.5)
    assert measure_verification(first, second, same, VerificationProtocol(grid="fine")).accuracy == 1.0


def test_pca_takes_out_what_all_have_in_common() -> None:
    generator = np.random.default_rng(3)
    same = np.arange(200) % 2 == 0
    people = generator.normal(size=(200, 4))
    others = np.where(same[:, None], people, generator.normal(size=(200, 4)))
    common = np.array([30.0, 0.0, 0.0, 0.0])
    features = people + common, others + 0.3 * generator.normal(size=(200, 4)) + common
    plain, centered = (measure_verification(*features, same, VerificationProtocol(pca=pca)) for pca in (None, 0))
    assert centered.accuracy > plain.accuracy + 0.1


def test_the_square_root_keeps_the_sign() -> None:
    same = np.arange(20) % 2 == 0
    first = np.tile([0.6, 0.8], (20, 1))
    second = np.where(same[:, None], first, -first)
    assert measure_verification(first, second, same, VerificationProtocol(square_root=True)).accuracy == 1.0


def test_the_area_under_the_curve_is_the_usual_one() -> None:
    first, second, same = faces(5, 200, 8, noise=2.0)
    found = measure_verification(first, second, same)
    assert found.auc == pytest.approx(roc_auc_score(same, -np.sum((first - second) ** 2, 1)))


def test_true_accepts_are_told_at_rates_that_the_pairs_resolve() -> None:
    same = np.arange(400) % 2 == 0
    angle = np.where(same, 0.1, np.linspace(0.05, 2.0, 400))
    first, second = np.tile([1.0, 0.0], (400, 1)), np.stack([np.cos(angle), np.sin(angle)], 1)
    found = measure_verification(first, second, same).true_accepts
    assert found == {"0.01": 0.0, "0.1": 1.0}  # some ten different pairs lie below 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, b, s: (a[:, :3], b, s), "expected two of shape"),
        (lambda a, b, s: (a, b, s[:-1]), "expected two of shape"),
        (lambda a, b, s: (a, b, s.astype(int)), "expected two of shape"),
        (lambda a, b, s: (a[:9], b[:9], s[:9]), "9 are too few for 10 folds"),
        (lambda a, b, s: (a * np.nan, b, s), "not finite"),
    ],
)
def test_features_that_do_not_fit_are_refused(change, message: str) -> None:
    with pytest.raises(InputError, match=message):
        measure_verification(*change(*faces(0, 20, 5)))


def test_more_components_than_there_can_be_are_refused() -> None:
    with pytest.raises(InputError, match="pca: 6 components, but features and training pairs allow 5"):
        measure_verification(*faces(0, 20, 5), VerificationProtocol(pca=6))


@pytest.mark.parametrize("change", [{"grid": "coarse"}, {"pca": -1}, {"num_folds": 1}])
def test_a_protocol_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"grid|pca|num_folds"):
        VerificationProtocol(**change)
