"""How good a creator is, measured on held-out data and on the engine's own renders."""

from __future__ import annotations

from f2p_models.creation.rendering import Renderer
from f2p_models.evaluation.confidence import Calibration, calibrate
from f2p_models.evaluation.creators import evaluate_creator
from f2p_models.evaluation.networks import (
    ImitatorQuality,
    SegmenterQuality,
    evaluate_imitator,
    evaluate_segmenter,
)
from f2p_models.evaluation.parameters import ParameterErrors, measure_parameters
from f2p_models.evaluation.report import Evaluation, read_evaluation
from f2p_models.evaluation.retrieval import Judge, Retrieval, judged_embeddings, judged_similarity, measure_retrieval

__all__ = [
    "Calibration",
    "Evaluation",
    "ImitatorQuality",
    "Judge",
    "ParameterErrors",
    "Renderer",
    "Retrieval",
    "SegmenterQuality",
    "calibrate",
    "evaluate_creator",
    "evaluate_imitator",
    "evaluate_segmenter",
    "judged_embeddings",
    "judged_similarity",
    "measure_parameters",
    "measure_retrieval",
    "read_evaluation",
]
