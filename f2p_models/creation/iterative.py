"""Iterative generation: search the parameters at the imitator's input (Shi et al., TPAMI, section 3.4.2).

B photos, V entries of a vector (C sliders, then one block of scores per discrete parameter), S steps

    x -> [sliders | softmax(beta * scores) per block] -> imitator -> picture -> facial similarity loss -> gradient of x

The search state x is projected to [0, 1] after each step, and to the facial priors where a version has some. A free
search finds pictures that please the networks and no human: five things hold it back. Sliders cannot leave their
range; priors know which of them go together; a pull ties them to where they started (off in the paper's recipe);
scores are taken of the *hardened* vector only, never of a mixture of hairstyles; and whoever calls with a better start
gets the start back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from f2p_models.creation.search_settings import IterativeConfig

PictureLosses = Callable[[Tensor], Tensor]
"""Vectors (B, V) that an imitator understands -> facial similarity loss (B,)."""
Projection = Callable[[Tensor], Tensor]
"""Vectors (B, V) -> the nearest ones (B, V) that are allowed."""


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """What a search of S steps came to.

    soft    (B, V) vectors as the imitator would see them after the last step
    curves  (B, S) what is minimized before each step: the loss, and the pull
    trail   (B, F, V) soft vectors before every ``record_every``-th step and after the last; F = 0 unless asked for
    """

    soft: Tensor
    curves: Tensor
    trail: Tensor


def search(
    picture_losses: PictureLosses,
    start: Tensor,
    blocks: Sequence[slice],
    num_continuous: int,
    config: IterativeConfig,
    *,
    project: Projection | None = None,
    record_every: int = 0,
) -> SearchResult:
    """Descend from ``start`` (B, V): sliders, then the scores of each block, all in [0, 1]."""
    state = start.detach().clone().requires_grad_(True)
    descend = _optimizer(state, config, project)
    curves, trail = [], []
    for step in range(config.steps):
        shown = soften(state, blocks, config.beta)
        losses = picture_losses(shown)
        pulled = losses + config.pull * (state - start)[:, :num_continuous].square().mean(1)
        # The sum, not the mean: a photo's gradient must not shrink because it came in a larger batch.
        (gradient,) = torch.autograd.grad(pulled.sum(), state)
        if record_every and step % record_every == 0:
            trail.append(shown.detach())
        descend(gradient)
        curves.append(pulled.detach())
    soft = soften(state.detach(), blocks, config.beta)
    trail += [soft] if record_every else []
    return SearchResult(
        soft=soft,
        curves=torch.stack(curves, 1),
        trail=torch.stack(trail, 1) if trail else soft.new_zeros(len(soft), 0, soft.shape[1]),
    )


def soften(state: Tensor, blocks: Sequence[slice], beta: float) -> Tensor:
    """Scores of each block -> probabilities, softmax with sharpness ``beta``; sliders as they are. (B, V) -> (B, V)."""
    if not blocks:
        return state
    sliders = state[:, : blocks[0].start]
    return torch.cat([sliders, *(torch.softmax(beta * state[:, block], 1) for block in blocks)], 1)


def _optimizer(state: Tensor, config: IterativeConfig, project: Projection | None) -> Callable[[Tensor], None]:
    """One step on the given gradient, then the projections: to what the priors know, and to [0, 1]."""
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.SGD
    optimizer = kind([state], lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, config.decay_every, 1.0 - config.decay)

    def descend(gradient: Tensor) -> None:
        state.grad = gradient
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            state.clamp_(0.0, 1.0)
            if project is not None:
                state.copy_(project(state).clamp(0.0, 1.0))

    return descend
