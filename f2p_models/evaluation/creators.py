"""A creator on held-out photos, judged by what the engine renders from its answers.

N photos, V entries of a vector, H W pixels. The imitator's own pictures prove nothing: a search can please it with
parameters that look different in the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from f2p_models.creation import Creator
from f2p_models.creation.mode import Mode
from f2p_models.creation.rendering import Renderer
from f2p_models.evaluation.confidence import Calibration, calibrate
from f2p_models.evaluation.parameters import ParameterErrors, Vectors, measure_parameters
from f2p_models.evaluation.retrieval import Retrieval, judged_embeddings, judged_similarity, measure_retrieval
from f2p_models.pictures import from_pictures


@dataclass(frozen=True, kw_only=True)
class CreatorQuality:
    """One mode on N photos. ``ceiling`` is the retrieval of the true parameters' renders: no creator can do better
    but by luck. ``imitated_similarity`` is what the imitator promised where the engine gave ``own_similarity``.
    ``calibration`` is missing in evaluations of older versions."""

    mode: Mode
    retrieval: Retrieval
    ceiling: Retrieval
    parameters: ParameterErrors
    imitated_similarity: float
    calibration: Calibration | None = None

    @property
    def score(self) -> float:
        """One number in [0, 1] to compare versions: the mean of reciprocal rank, similarity and parameter skill.

        The last two count as 0 where they are negative.
        """
        terms = (self.retrieval.mean_reciprocal_rank, self.retrieval.own_similarity, self.parameters.skill)
        return float(np.mean([min(max(term, 0.0), 1.0) for term in terms]))


def evaluate_creator(
    creator: Creator, photos: Tensor, vectors: Vectors, render: Renderer, mode: Mode
) -> CreatorQuality:
    """Aligned held-out photos (N, 3, H, W) in [0, 1] with the vectors (N, V) that they were rendered from.

    The creator may ask the engine, as it does when it is used.
    """
    creation = creator.with_engine(render).in_mode(mode, photos)
    created = creation.vectors.numpy()
    of_photos = _embeddings(creator, photos)
    similarity = judged_similarity(
        creator.bundle.embedder, _embeddings(creator, from_pictures(render(created))), of_photos
    )
    of_truth = _embeddings(creator, from_pictures(render(vectors)))
    of_imitations = _embeddings(creator, creator.pictures(creation.vectors))
    return CreatorQuality(
        mode=mode,
        retrieval=measure_retrieval(similarity),
        ceiling=measure_retrieval(judged_similarity(creator.bundle.embedder, of_truth, of_photos)),
        parameters=measure_parameters(creator.bundle.schema, created, vectors),
        imitated_similarity=float(creator.bundle.embedder.similarity(of_imitations, of_photos).mean()),
        calibration=calibrate(similarity),
    )


def _embeddings(creator: Creator, pictures: Tensor) -> Tensor:
    return judged_embeddings(creator.bundle.embedder, pictures, creator.bundle.device)
