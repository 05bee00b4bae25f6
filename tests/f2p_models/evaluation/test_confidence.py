from __future__ import annotations

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.evaluation import calibrate


def similarities(own: float, others: float, spread: float, count: int = 60) -> torch.Tensor:
    noise = spread * torch.randn(count, count, generator=torch.Generator().manual_seed(3))
    return torch.where(torch.eye(count, dtype=torch.bool), own, others) + noise


def test_confidence_is_a_half_midway_between_own_and_strange_photos():
    curve = calibrate(similarities(0.7, 0.1, 0.1))
    assert curve.confidence(0.4) == pytest.approx(0.5, abs=0.1)
    assert curve.confidence(0.7) > 0.95
    assert curve.confidence(0.1) < 0.05
    assert curve.num_photos == 60


def test_confidence_is_the_share_of_own_pairs_among_pairs_of_that_similarity():
    similarity = similarities(0.5, 0.3, 0.15, count=300)
    curve = calibrate(similarity)
    own = torch.eye(300, dtype=torch.bool)
    for low in (0.25, 0.35, 0.45, 0.55):
        seen = (similarity >= low) & (similarity < low + 0.1)
        weight_own = float((seen & own).sum()) / 300
        weight_others = float((seen & ~own).sum()) / (300 * 299)
        assert curve.confidence(low + 0.05) == pytest.approx(weight_own / (weight_own + weight_others), abs=0.1)


def test_similarities_that_tell_nothing_leave_everyone_at_a_half():
    curve = calibrate(similarities(0.4, 0.4, 0.1, count=200))
    assert curve.confidence(0.4) == pytest.approx(0.5, abs=0.03)


def test_people_told_apart_perfectly_do_not_make_it_infallible():
    curve = calibrate(similarities(0.9, 0.0, 0.001))
    assert 0.9 < curve.confidence(0.9) < 1.0
    assert 0.0 < curve.confidence(0.0) < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5,)])
def test_what_is_no_square_of_pairs_is_refused(shape):
    with pytest.raises(InputError, match="similarity"):
        calibrate(torch.rand(shape))
