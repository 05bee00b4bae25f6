"""How good a creator is, measured on held-out data and on the engine's own renders."""

from __future__ import annotations

from f2p_models.evaluation.creators import Renderer, evaluate_creator
from f2p_models.evaluation.networks import (
    ImitatorQuality,
    SegmenterQuality,
    evaluate_imitator,
    evaluate_segmenter,
)
from f2p_models.evaluation.parameters import ParameterErrors, measure_parameters
from f2p_models.evaluation.report import Evaluation, read_evaluation
from f2p_models.evaluation.retrieval import Retrieval, measure_retrieval

__all__ = [
    "Evaluation",
    "ImitatorQuality",
    "ParameterErrors",
    "Renderer",
    "Retrieval",
    "SegmenterQuality",
    "evaluate_creator",
    "evaluate_imitator",
    "evaluate_segmenter",
    "measure_parameters",
    "measure_retrieval",
    "read_evaluation",
]
