from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from f2p_models.creation import Creator, IterativeConfig
from f2p_models.evaluation import evaluate_creator


@pytest.fixture
def creator(small_bundle):
    return Creator(small_bundle, replace(IterativeConfig.quick(), steps=2))


@pytest.fixture
def vectors(small_schema):
    rng = np.random.Generator(np.random.Philox(4))
    return np.stack([small_schema.harden(rng.random(7)) for _ in range(5)])


class Engine:
    """Answers with the given pictures for the true vectors, and with gray ones for any other."""

    def __init__(self, vectors, pictures):
        self.known = {vector.tobytes(): picture for vector, picture in zip(vectors, pictures, strict=True)}

    def __call__(self, asked):
        gray = np.full((64, 64, 3), 90, np.uint8)
        return np.stack([self.known.get(vector.tobytes(), gray) for vector in asked])


def to_bytes(photos):
    return (photos.permute(0, 2, 3, 1) * 255).round().byte().numpy()


def test_characters_are_judged_on_the_engines_render_and_not_on_the_imitators(creator, photos, vectors):
    """The engine answers every created character with the same gray picture: nobody can be found."""
    quality = evaluate_creator(creator, photos, vectors, Engine(vectors, to_bytes(photos)), "hybrid")

    assert quality.retrieval.top1 <= 1 / 5
    assert quality.ceiling.top1 == 1.0
    assert quality.retrieval.own_similarity != pytest.approx(quality.imitated_similarity, abs=1e-3)


def test_a_creator_that_finds_the_truth_scores_the_full_mark(creator, photos, vectors, monkeypatch):
    truth = replace(creator.one_shot(photos), vectors=torch.from_numpy(vectors))
    monkeypatch.setattr(Creator, "one_shot", lambda _self, _photos: truth)

    quality = evaluate_creator(creator, photos, vectors, Engine(vectors, to_bytes(photos)), "one-shot")

    assert quality.retrieval == quality.ceiling
    assert quality.score == pytest.approx(1.0, abs=1e-3)


def test_the_score_falls_with_every_one_of_its_three_terms(creator, photos, vectors):
    quality = evaluate_creator(creator, photos, vectors, Engine(vectors, to_bytes(photos)), "one-shot")
    best = replace(
        quality,
        retrieval=replace(quality.ceiling, own_similarity=1.0),
        parameters=replace(quality.parameters, slider_error=0.0),
    )

    assert best.score == pytest.approx(1.0)
    for worse in (
        replace(best, retrieval=replace(best.retrieval, mean_reciprocal_rank=0.4)),
        replace(best, retrieval=replace(best.retrieval, own_similarity=0.4)),
        replace(best, parameters=replace(best.parameters, slider_error=0.6 * best.parameters.constant_error)),
    ):
        assert worse.score == pytest.approx(0.8)
