"""Is a created character nearest to its own photo? (N photos, N characters, one of each per person.)"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from engine_bridge.errors import InputError
from f2p_models.metrics import retrieval_ranks, verification_auc

_JUDGED_AT_ONCE: Final = 16


class Judge(Protocol):
    """Whoever says who is who: an embedder, or a network that no creator was trained with."""

    def embed(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in the studio's frame, in [0, 1] -> embeddings (B, D)."""


@runtime_checkable
class ComparingJudge(Judge, Protocol):
    """A judge whose embeddings are not to be compared by their plain cosine."""

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Embeddings (..., D) -> (...), 1 for equal ones."""


@dataclass(frozen=True, kw_only=True)
class Retrieval:
    """Ranks of each character's own photo among all ``num_photos`` by the embedder's similarity; 1 is best.

    top1, top10             shares of characters whose own photo is first, or among the first ten; chance is 1/N, 10/N
    median_rank             and the mean of 1/rank, which moves more smoothly than top1
    own_similarity          mean similarity of a character and its own photo
    others_similarity       mean similarity of a character and the other photos
    verification_auc        probability that an own pair is more similar than a pair of strangers
    """

    num_photos: int
    top1: float
    top10: float
    median_rank: float
    mean_reciprocal_rank: float
    own_similarity: float
    others_similarity: float
    verification_auc: float


def measure_retrieval(similarity: Tensor) -> Retrieval:
    """``similarity`` (N, N): row is the character, column the photo, the diagonal are own pairs. N at least 2."""
    num_photos = len(similarity)
    if num_photos < 2 or similarity.shape != (num_photos, num_photos):
        raise InputError(f"similarity: expected (N, N) with N at least 2, got {tuple(similarity.shape)}")
    ranks = retrieval_ranks(similarity).double()
    own = similarity.diagonal().double()
    others = similarity.double()[~torch.eye(num_photos, dtype=torch.bool, device=similarity.device)]
    return Retrieval(
        num_photos=num_photos,
        top1=float((ranks == 1).double().mean()),
        top10=float((ranks <= 10).double().mean()),
        median_rank=float(ranks.quantile(0.5)),
        mean_reciprocal_rank=float((1.0 / ranks).mean()),
        own_similarity=float(own.mean()),
        others_similarity=float(others.mean()),
        verification_auc=verification_auc(similarity),
    )


@torch.no_grad()
def judged_embeddings(judge: Judge, pictures: Tensor, device: torch.device) -> Tensor:
    """Pictures (N, 3, H, W) in [0, 1] -> embeddings (N, D), both computed and left on ``device``."""
    return torch.cat([judge.embed(chunk.to(device)) for chunk in torch.split(pictures, _JUDGED_AT_ONCE)])


def judged_similarity(judge: Judge, characters: Tensor, photos: Tensor) -> Tensor:
    """Embeddings (N, D) of characters and of photos -> similarity (N, N) on the CPU: the judge's own, or the cosine."""
    compare = judge.similarity if isinstance(judge, ComparingJudge) else _cosine
    return compare(characters[:, None], photos[None]).cpu()


def _cosine(first: Tensor, second: Tensor) -> Tensor:
    return F.cosine_similarity(first, second, dim=-1)
