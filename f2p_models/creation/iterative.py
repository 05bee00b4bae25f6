"""Iterative generation: search the parameters at the imitator's input (Shi et al., TPAMI, section 3.4.2).

B photos, V entries of a vector (C sliders, then one block of scores per discrete parameter), S steps

    x -> [sliders | softmax(beta * scores) per block] -> imitator -> picture -> facial similarity loss -> gradient of x

The search state x is projected to [0, 1] after each step. A free search finds pictures that please the networks and
no human: four things hold it back. Sliders cannot leave their range; a pull ties them to where they started (off in
the paper's recipe); scores are taken of the *hardened* vector only, never of a mixture of hairstyles; and whoever
calls with a better start gets the start back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine_bridge.errors import InputError

PictureLosses = Callable[[Tensor], Tensor]
"""Vectors (B, V) that an imitator understands -> facial similarity loss (B,)."""


@dataclass(frozen=True, kw_only=True)
class IterativeConfig:
    """How to search. ``paper()`` is the paper's, to the letter; ``quick()`` gets further in fewer steps on a CPU.

    steps               gradient steps
    optimizer           plain gradient descent as in the paper, or Adam
    learning_rate       taken down by the share ``decay`` every ``decay_every`` steps
    beta                sharpness of the softmax over a block's scores (section 3.6)
    identity_weight     lambda_1, called alpha in the ICCV paper
    content_weight      lambda_2
    pull                weight of the mean squared distance of the sliders from the start
    tried_choices       names of discrete parameters whose choices are all tried first, see :func:`try_choices`; those
                        that a character does not have are skipped
    """

    steps: int
    optimizer: Literal["gradient-descent", "adam"]
    learning_rate: float
    decay: float
    decay_every: int
    beta: float = 100.0
    identity_weight: float = 0.01
    content_weight: float = 1.0
    pull: float = 0.0
    tried_choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.steps < 1 or self.decay_every < 1:
            raise InputError(f"steps, decay_every: must be at least 1, got {self.steps} and {self.decay_every}")
        if not self.learning_rate > 0.0 or not self.beta > 0.0:
            raise InputError(f"learning_rate, beta: must be positive, got {self.learning_rate} and {self.beta}")
        if not 0.0 <= self.decay < 1.0:
            raise InputError(f"decay: the share taken off lies in [0, 1), got {self.decay}")
        object.__setattr__(self, "tried_choices", tuple(self.tried_choices))  # JSON gives a list
        if min(self.identity_weight, self.content_weight, self.pull) < 0:
            raise InputError("identity_weight, content_weight, pull: must not be negative")
        if self.identity_weight + self.content_weight == 0.0:
            raise InputError("identity_weight, content_weight: one of them must be positive, or nothing is compared")

    @classmethod
    def paper(cls) -> IterativeConfig:
        """50 steps of gradient descent, rate 10 decayed 20 % per 5 steps (the GDC slides say 10 steps)."""
        return cls(steps=50, optimizer="gradient-descent", learning_rate=10.0, decay=0.2, decay_every=5)

    @classmethod
    def quick(cls) -> IterativeConfig:
        """Adam finds in 15 steps what plain descent does not in 50.

        The pull keeps the imitator from being exploited: on 50 photo-like renders of the mock engine, hybrid mode, a
        pull of 10 against one of 1 lowers the likeness that the imitator promises (0.86 from 0.88) and raises what the
        engine then renders (0.84 from 0.82), with a smaller slider error (0.125 from 0.159).
        """
        return cls(
            steps=15,
            optimizer="adam",
            learning_rate=0.05,
            decay=0.3,
            decay_every=4,
            beta=20.0,
            identity_weight=1.0,
            pull=10.0,
            tried_choices=("hairstyle",),
        )


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """soft (B, V) vectors as the imitator saw them last, and the loss before each step: (B, S)."""

    soft: Tensor
    curves: Tensor


def search(
    picture_losses: PictureLosses, start: Tensor, blocks: Sequence[slice], num_continuous: int, config: IterativeConfig
) -> SearchResult:
    """Descend from ``start`` (B, V): sliders, then the scores of each block, all in [0, 1]."""
    state = start.detach().clone().requires_grad_(True)
    descend = _optimizer(state, config)
    curves = []
    for _ in range(config.steps):
        losses = picture_losses(soften(state, blocks, config.beta))
        pulled = losses + config.pull * (state - start)[:, :num_continuous].square().mean(1)
        # The sum, not the mean: a photo's gradient must not shrink because it came in a larger batch.
        (gradient,) = torch.autograd.grad(pulled.sum(), state)
        descend(gradient)
        curves.append(losses.detach())
    return SearchResult(soft=soften(state.detach(), blocks, config.beta), curves=torch.stack(curves, 1))


def soften(state: Tensor, blocks: Sequence[slice], beta: float) -> Tensor:
    """Scores of each block -> probabilities, softmax with sharpness ``beta``; sliders as they are. (B, V) -> (B, V)."""
    if not blocks:
        return state
    sliders = state[:, : blocks[0].start]
    return torch.cat([sliders, *(torch.softmax(beta * state[:, block], 1) for block in blocks)], 1)


@torch.no_grad()
def try_choices(losses: PictureLosses, vectors: Tensor, blocks: Sequence[slice]) -> Tensor:
    """Try every choice of each block in turn and keep, for each photo, the one with the lowest loss. (B, V) -> (B, V).

    A gradient cannot walk from one haircut to another through pictures the imitator never learned; trying can.
    """
    for block in blocks:
        tried = [_with_choice(vectors, block, index) for index in range(block.stop - block.start)]
        best = torch.stack([losses(candidate) for candidate in tried], 1).argmin(1)
        vectors = torch.stack(tried, 1)[torch.arange(len(vectors)), best]
    return vectors


def _with_choice(vectors: Tensor, block: slice, index: int) -> Tensor:
    changed = vectors.clone()
    changed[:, block] = 0.0
    changed[:, block.start + index] = 1.0
    return changed


def _optimizer(state: Tensor, config: IterativeConfig) -> Callable[[Tensor], None]:
    """One step on the given gradient, then the projection to [0, 1]."""
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.SGD
    optimizer = kind([state], lr=config.learning_rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, config.decay_every, 1.0 - config.decay)

    def descend(gradient: Tensor) -> None:
        state.grad = gradient
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            state.clamp_(0.0, 1.0)

    return descend
