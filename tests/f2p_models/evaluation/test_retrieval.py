from __future__ import annotations

import pytest
import torch

from engine_bridge.errors import InputError
from f2p_models.evaluation import measure_retrieval


def test_characters_that_match_their_photos_are_all_found():
    found = measure_retrieval(torch.eye(20))

    assert (found.top1, found.top10, found.median_rank, found.mean_reciprocal_rank) == (1.0, 1.0, 1.0, 1.0)
    assert (found.own_similarity, found.others_similarity, found.verification_auc) == (1.0, 0.0, 1.0)


def test_a_creator_that_answers_everyone_alike_is_no_better_than_chance():
    photos = torch.rand(20, generator=torch.Generator().manual_seed(3))

    found = measure_retrieval(photos.expand(20, 20))

    assert found.top1 == pytest.approx(1 / 20)
    assert found.top10 == pytest.approx(10 / 20)
    assert found.median_rank == pytest.approx(10.5)


def test_equal_similarities_count_against_the_creator():
    assert measure_retrieval(torch.ones(4, 4)).top1 == 0.0


def test_rows_are_characters_and_columns_are_photos():
    similarity = torch.tensor([[0.5, 0.4], [0.55, 0.6]])  # by columns, the first photo would be the second's

    assert measure_retrieval(similarity).top1 == 1.0
    assert measure_retrieval(similarity.T).top1 == 0.5


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (5,)])
def test_what_is_no_square_of_pairs_is_refused(shape):
    with pytest.raises(InputError, match="similarity"):
        measure_retrieval(torch.rand(shape))
