"""The losses of the method (Shi et al., TPAMI), each the mean over its whole batch.

B   batch
V   encoded vector: n_c sliders, then n_d one-hot entries
D   embedding
P   parts, F features, h w the segmenter's output grid
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from engine_bridge.parts import Part
from f2p_models.boundaries import check_pictures, check_same_shape, check_size, check_vectors
from f2p_models.errors import TensorError
from f2p_models.segmenter import Segmentation

#: The "facial components" of equation 6. Hair and background are no components: a game has no hair like the photo's.
FACIAL_PARTS: Final = tuple(part for part in Part if part not in (Part.BACKGROUND, Part.HAIR))


def imitation_loss(predicted: Tensor, rendered: Tensor) -> Tensor:
    """Equation 1: L1 between the imitator's picture, unclamped, and the engine's in [0, 1], both (B, 3, H, W)."""
    check_same_shape(predicted, rendered, "imitation_loss")
    check_pictures(rendered, "rendered pictures")
    return F.l1_loss(predicted, rendered)


def identity_loss(
    photo: Tensor, render: Tensor, *, center: Tensor | None = None, stranger_distance: float = 1.0
) -> Tensor:
    """Equation 5: 1 - cosine of two batches of embeddings (B, D), in units of ``stranger_distance``.

    ``center`` (D,) is taken off both first. An embedder whose raw cosines are squeezed into a narrow band brings one
    (``embedder.center``); without it the loss would hardly tell two people apart. ``stranger_distance`` is what two
    different people are apart on average (``embedder.stranger_distance``): with it a stranger's picture costs 1 with
    any embedder, and lambda_1 means the same.
    """
    check_same_shape(photo, render, "identity_loss")
    check_size(photo, photo.shape[-1], "embeddings")
    if not stranger_distance > 0.0:
        raise TensorError(
            f"stranger_distance: {stranger_distance} must be positive; measure it on photos of many people"
        )
    return (1.0 - centered_cosine(photo, render, center).mean()) / stranger_distance


def centered_cosine(first: Tensor, second: Tensor, center: Tensor | None = None) -> Tensor:
    """Cosine of embeddings (..., D) -> (...) in [-1, 1], after ``center`` (D,) is taken off both."""
    shift = 0.0 if center is None else center
    return F.cosine_similarity(first - shift, second - shift, dim=-1)


def content_map(segmentation: Segmentation, *, parts: Sequence[Part] = FACIAL_PARTS) -> Tensor:
    """omega * f of equation 6, the features weighted by the part probabilities: (B, F, h, w).

    The paper leaves the product of class-wise maps and features open. Here omega is one weight per grid point, the
    probability that it shows any of ``parts`` (the "eye-nose-mouth map" of the ICCV version, with the skin that
    carries the contour): (B, 1, h, w), times features (B, F, h, w). Which component it is, the features tell.
    A photo's map never changes, so training can remember it.
    """
    omega = segmentation.probabilities[:, list(parts)].sum(1, keepdim=True)
    return omega * segmentation.features


def content_loss(photo: Tensor, render: Tensor) -> Tensor:
    """Equation 6: mean L1 between the content maps (B, F, h, w) of two pictures."""
    return map_distances(photo, render).mean()


def content_distances(photo: Segmentation, render: Segmentation, *, parts: Sequence[Part] = FACIAL_PARTS) -> Tensor:
    """:func:`content_loss` of each photo and render by itself: (B,)."""
    return map_distances(content_map(photo, parts=parts), content_map(render, parts=parts))


def map_distances(photo: Tensor, render: Tensor) -> Tensor:
    """Mean absolute difference of each pair of content maps (B, F, h, w): (B,)."""
    check_same_shape(photo, render, "content_loss features")
    return (render - photo).abs().mean((1, 2, 3))


def loopback_loss(vectors: Tensor, vectors_again: Tensor) -> Tensor:
    """Equation 7: L1 between x and T(I'), both (B, V) in [0, 1]."""
    check_same_shape(vectors, vectors_again, "loopback_loss")
    check_vectors(vectors)
    return F.l1_loss(vectors_again, vectors)


def parameter_loss(
    predicted: Tensor, applied: Tensor, block_sizes: Sequence[int], *, choice_weight: float = 1.0
) -> Tensor:
    """Supervision by known parameters: L1 over the sliders plus cross-entropy over the discrete blocks.

    ``predicted`` (B, V) is the translator's (blocks sum to 1), ``applied`` (B, V) the engine's (blocks one-hot). Not in
    the paper, whose photos have no parameters; renders have. The blocks' entropies, in nats, are each divided by that
    of a guess, ln(choices), and averaged, so that neither many blocks nor long ones drown the sliders; the average
    counts ``choice_weight`` times.
    """
    check_same_shape(predicted, applied, "parameter_loss")
    check_vectors(applied, "applied vectors")
    sliders, *blocks = _split(predicted, block_sizes)
    true_sliders, *true_blocks = _split(applied, block_sizes)
    slider_loss = F.l1_loss(sliders, true_sliders)
    if not blocks:
        return slider_loss
    entropies = [_relative_entropy(block, truth) for block, truth in zip(blocks, true_blocks, strict=True)]
    return slider_loss + choice_weight * torch.stack(entropies).mean()


def _split(vectors: Tensor, block_sizes: Sequence[int]) -> tuple[Tensor, ...]:
    num_sliders = vectors.shape[1] - sum(block_sizes)
    if num_sliders < 1:
        raise TensorError(f"vectors: {vectors.shape[1]} entries cannot hold blocks of {list(block_sizes)} and a slider")
    return torch.split(vectors, [num_sliders, *block_sizes], dim=1)


def _relative_entropy(block: Tensor, truth: Tensor) -> Tensor:
    return -(truth * block.clamp_min(1e-6).log()).sum(1).mean() / math.log(block.shape[1])


def soft_discrete(logits: Tensor, block_sizes: Sequence[int], beta: float = 1.0) -> Tensor:
    """Section 3.6: h(x, beta) = softmax(beta x) within each block, (B, n_d) -> (B, n_d).

    ``beta`` is 1 in one-shot mode and 100 in iterative mode; towards infinity it is the argmax.
    """
    check_size(logits, sum(block_sizes), "discrete logits")
    if not block_sizes:
        return logits
    return torch.cat([(beta * block).softmax(1) for block in torch.split(logits, list(block_sizes), dim=1)], dim=1)
