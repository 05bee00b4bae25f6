"""How alike a photo and a character's picture are (Shi et al., TPAMI, section 3.3, equations 5, 6 and 9).

B   batch of photos, each with its own character

    loss (B,) = identity_weight * identity_loss + content_weight * content_loss      (lambda_1, lambda_2)

One number per photo and nothing averaged over the batch: what happens to one photo never depends on its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from f2p_models.embedders import Embedder
from f2p_models.losses import content_distances
from f2p_models.segmenter import Segmentation, Segmenter


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is remembered of B photos: embeddings (B, D) and their segmentation."""

    embeddings: Tensor
    segmentation: Segmentation


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """The facial similarity loss with its frozen networks and weights."""

    embedder: Embedder
    segmenter: Segmenter
    identity_weight: float
    content_weight: float

    @torch.no_grad()
    def target(self, photos: Tensor) -> Target:
        """Photos (B, 3, H, W) in [0, 1], aligned."""
        return Target(embeddings=self.embedder.embed(photos), segmentation=self.segmenter(photos))

    def losses(self, target: Target, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] -> (B,); gradients flow to the pictures."""
        losses = pictures.new_zeros(len(pictures))
        if self.identity_weight:
            similarity = self.embedder.similarity(target.embeddings, self.embedder.embed(pictures))
            losses = losses + self.identity_weight * (1.0 - similarity)
        if self.content_weight:
            distances = content_distances(target.segmentation, self.segmenter(pictures))
            losses = losses + self.content_weight * distances
        return losses

    def outline_losses(self, target: Target, pictures: Tensor) -> Tensor:
        """Mean difference of the part probabilities: (B,). It sees where hair ends, which neither loss above does."""
        difference = target.segmentation.probabilities - self.segmenter(pictures).probabilities
        losses: Tensor = difference.abs().flatten(1).mean(1)
        return losses
