"""Optimisers and learning-rate schedules. A schedule is a pure function of the step, so nothing in it can be lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

Optimizer = Literal["sgd", "adam"]
Schedule = Literal["constant", "step_decay", "one_cycle"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)

DECAY, DECAY_EPOCHS = 0.9, 50  # the paper's 10 % per 50 epochs (section 3.6)
WARM_UP_SHARE, WARM_UP_START, CYCLE_END = 0.15, 0.04, 0.001


def build_optimizer(
    name: Optimizer, parameters: Iterable[nn.Parameter], *, learning_rate: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """SGD with momentum, or Adam with decoupled weight decay and its usual moments."""
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)


def learning_rate_factor(schedule: Schedule, step: int, *, num_steps: int, steps_per_epoch: int) -> float:
    """What the learning rate is multiplied by at ``step`` of ``num_steps``.

    step_decay: x0.9 every 50 epochs. one_cycle (Smith and Topin 2018): up over the first 15 % of all steps, then down
    to almost nothing along a cosine.
    """
    if schedule == "constant":
        return 1.0
    if schedule == "step_decay":
        return float(DECAY ** (step // steps_per_epoch // DECAY_EPOCHS))
    peak = WARM_UP_SHARE * num_steps
    if step < peak:
        return _cosine(WARM_UP_START, 1.0, step / peak)
    return _cosine(1.0, CYCLE_END, min(1.0, (step - peak) / (num_steps - peak)))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * share))


def build_scheduler(
    optimizer: torch.optim.Optimizer, schedule: Schedule, *, num_steps: int, steps_per_epoch: int
) -> LambdaLR:
    """The schedule on an optimiser; call its ``step`` after each gradient step."""
    factor: Callable[[int], float] = lambda step: learning_rate_factor(  # noqa: E731 (LambdaLR wants a callable of one argument)
        schedule, step, num_steps=num_steps, steps_per_epoch=steps_per_epoch
    )
    return LambdaLR(optimizer, factor)
