"""Discrete parameters by trying: hair, brows, lipstick and beard are picked from a list, not slid to.

B photos, V entries of a vector, K choices of a block

    loss of a choice = how its picture differs from the photo - prior_weight * log(probability before looking)

A gradient cannot walk from one haircut to another through pictures that the imitator never learned; trying can. What
is known before looking are the translator's probabilities: it has seen thousands of people and their brows, of which
an aligned photo of 128 pixels shows next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

ChoiceLosses = Callable[[Tensor], Tensor]
"""Vectors (B, V) -> how much their pictures differ from the photos (B,)."""


#: A probability below which nothing is ever known.
IMPOSSIBLE: Final = 1e-6


@torch.no_grad()
def try_choices(
    losses: ChoiceLosses,
    vectors: Tensor,
    blocks: Sequence[slice],
    *,
    prior: Tensor | None = None,
    expected: Tensor | None = None,
    num_tried: int | None = None,
) -> Tensor:
    """Of each block in turn keep, for each photo, the choice with the lowest loss. (B, V) -> (B, V), blocks one-hot.

    ``prior`` (B, V) is added to the losses: what speaks against a choice before looking. With ``num_tried`` only the
    present choice and so many others are tried, those with the lowest ``expected`` (B, V) losses.
    """
    prior = torch.zeros_like(vectors) if prior is None else prior
    expected = prior if expected is None else expected
    for block in blocks:
        candidates = _candidates(vectors[:, block], expected[:, block], num_tried)
        tried = [_with_choice(vectors, block, choices) for choices in candidates.unbind(1)]
        found = torch.stack([losses(candidate) for candidate in tried], 1) + prior[:, block].gather(1, candidates)
        best = found.argmin(1)
        vectors = torch.stack(tried, 1)[torch.arange(len(vectors), device=vectors.device), best]
    return vectors


def _candidates(present: Tensor, expected: Tensor, num_tried: int | None) -> Tensor:
    """Indices (B, K) of the choices to try in each block (B, K'), the present one first."""
    size = present.shape[1]
    now = present.argmax(1, keepdim=True)
    order: Tensor = torch.sort(expected.scatter(1, now, -torch.inf), dim=1, stable=True).indices
    return order[:, : min(size, size if num_tried is None else 1 + num_tried)]


def _with_choice(vectors: Tensor, block: slice, choices: Tensor) -> Tensor:
    """``vectors`` with choice ``choices`` (B,) of a block."""
    changed = vectors.clone()
    changed[:, block] = 0.0
    changed[torch.arange(len(vectors), device=vectors.device), block.start + choices] = 1.0
    return changed
