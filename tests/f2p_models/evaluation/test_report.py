from __future__ import annotations

from dataclasses import replace

import pytest

from engine_bridge.errors import InputError
from f2p_models.evaluation import read_evaluation


def test_an_evaluation_reads_back_as_it_was_saved(evaluation, tmp_path):
    evaluation.save(tmp_path / "evaluation.json")

    assert read_evaluation(tmp_path / "evaluation.json") == evaluation


def test_the_score_is_that_of_the_judged_mode(evaluation):
    assert evaluation.score == evaluation.creators["hybrid"].score
    assert replace(evaluation, judged_mode="one-shot").score == evaluation.creators["one-shot"].score
    assert evaluation.creators["hybrid"].score > evaluation.creators["one-shot"].score


def test_metrics_are_flat_finite_numbers_with_the_score(evaluation):
    metrics = evaluation.metrics()

    assert metrics["score"] == evaluation.score
    assert metrics["creators.hybrid.retrieval.top1"] == 0.62
    assert metrics["segmenter.part_iou.nose"] == 0.8
    assert all(isinstance(value, float) for value in metrics.values())


def test_a_mode_that_was_not_evaluated_cannot_be_judged(evaluation):
    with pytest.raises(InputError, match="'iterative' was not evaluated"):
        replace(evaluation, judged_mode="iterative")


@pytest.mark.parametrize("content", ["{", "{}", '{"score": 1}'])
def test_what_is_no_evaluation_is_refused(tmp_path, content):
    path = tmp_path / "evaluation.json"
    path.write_text(content)

    with pytest.raises(InputError, match="no evaluation can be read"):
        read_evaluation(path)
