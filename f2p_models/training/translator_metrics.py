"""How good a translator is on held-out pictures.

N held-out pictures, V vector, D embedding
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from f2p_models.embedders.protocol import Embedder
from f2p_models.metrics import top1, verification_auc
from f2p_models.training.run_folder import Record


def parameter_metrics(predicted: Tensor, applied: Tensor, block_sizes: Sequence[int]) -> Record:
    """``slider_error`` (mean absolute, of the range [0, 1]) and ``choice_accuracy`` (mean over discrete parameters)."""
    num_sliders = predicted.shape[1] - sum(block_sizes)
    metrics = {"slider_error": float((predicted - applied)[:, :num_sliders].abs().mean())}
    if block_sizes:
        blocks = zip(_blocks(predicted, block_sizes), _blocks(applied, block_sizes), strict=True)
        right = [(guess.argmax(1) == truth.argmax(1)).double().mean() for guess, truth in blocks]
        metrics["choice_accuracy"] = float(torch.stack(right).mean())
    return metrics


def mean_vector_metrics(train: Tensor, applied: Tensor, block_sizes: Sequence[int]) -> Record:
    """The same of answering the training vectors' mean, and with it their most frequent choices: (N, V) each."""
    return parameter_metrics(train.mean(0, keepdim=True).expand_as(applied), applied, block_sizes)


def identity_metrics(photos: Tensor, created: Tensor, embedder: Embedder) -> Record:
    """From embeddings (N, D) of pictures and of the characters made of them.

    ``identity_similarity`` to the own picture, ``retrieval_top1`` (share of characters nearer to their own picture than
    to any other), ``verification_auc`` (own pairs against all others).
    """
    similarity = embedder.similarity(photos[:, None], created[None])
    return {
        "identity_similarity": float(similarity.diagonal().mean()),
        "retrieval_top1": top1(similarity.T),
        "verification_auc": verification_auc(similarity),
    }


def _blocks(vectors: Tensor, block_sizes: Sequence[int]) -> list[Tensor]:
    return list(torch.split(vectors[:, vectors.shape[1] - sum(block_sizes) :], list(block_sizes), dim=1))
