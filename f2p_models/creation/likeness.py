"""How alike a photo and a character's picture are (Shi et al., TPAMI, section 3.3, equations 5, 6 and 9).

B   batch of photos, each with its own character

    loss (B,) = identity_weight * identity_loss + content_weight * content_loss      (lambda_1, lambda_2)

One number per photo and nothing averaged over the batch: what happens to one photo never depends on its neighbours.

Two terms of our own judge what the equations are blind to. Equation 6 is about facial components, so it sees neither
where hair ends nor which color lips have: :meth:`Likeness.choice_losses` does. Gradients take no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from f2p_models.creation.colors import color_differences, part_colors
from f2p_models.embedders import Embedder
from f2p_models.losses import content_distances
from f2p_models.segmenter import Segmentation, Segmenter

#: Shares of content and colors beside the outlines' (:meth:`Likeness.choice_losses`).
CONTENT_SHARE: Final = 0.1
COLOR_SHARE: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is remembered of B photos: embeddings (B, D), their segmentation, and colors (B, R, 3) of R parts."""

    embeddings: Tensor
    segmentation: Segmentation
    colors: Tensor


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
        segmentation = self.segmenter(photos)
        return Target(
            embeddings=self.embedder.embed(photos),
            segmentation=segmentation,
            colors=part_colors(photos, segmentation.probabilities),
        )

    def losses(self, target: Target, pictures: Tensor) -> Tensor:
        """Equation 9. Pictures (B, 3, H, W) in [0, 1] -> (B,); gradients flow to the pictures."""
        losses = pictures.new_zeros(len(pictures))
        if self.identity_weight:
            losses = losses + self.identity_weight * self._identity(target, pictures)
        if self.content_weight:
            distances = content_distances(target.segmentation, self.segmenter(pictures))
            losses = losses + self.content_weight * distances
        return losses

    @torch.no_grad()
    def choice_losses(self, target: Target, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) -> (B,): outlines of parts, features inside them, colors of hair and lips."""
        seen = self.segmenter(pictures)
        outlines = (target.segmentation.probabilities - seen.probabilities).abs().flatten(1).mean(1)
        contents = content_distances(target.segmentation, seen)
        colors = color_differences(target.colors, part_colors(pictures, seen.probabilities))
        losses: Tensor = outlines + CONTENT_SHARE * contents + COLOR_SHARE * colors
        return losses

    @torch.no_grad()
    def judged_losses(self, target: Target, pictures: Tensor) -> Tensor:
        """What decides between finished characters: equation 9, and what it is blind to. (B, 3, H, W) -> (B,)."""
        return self.losses(target, pictures) + self.choice_losses(target, pictures)

    def _identity(self, target: Target, pictures: Tensor) -> Tensor:
        similarity = self.embedder.similarity(target.embeddings, self.embedder.embed(pictures))
        return (1.0 - similarity) / self.embedder.stranger_distance
