"""Training on several processes, one per GPU: each sees its part of every batch, and all of them take the same step.

    torchrun --nproc-per-node 8 ...    starts the processes; ``open_group`` joins them

The mean over the parts is the mean over the batch: gradients through PyTorch's DistributedDataParallel, losses through
:meth:`Processes.mean`, the statistics of batch normalisation through :func:`share_statistics`. So the number of
processes changes the rounding and the augmentation's draws, and nothing else; a batch that does not part evenly is
refused. The first process alone judges, shows and saves.

B batch, C channels, W processes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from f2p_models.errors import TrainingError

T = TypeVar("T")

#: The others wait while the first process judges the held-out pairs.
PATIENCE: Final = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Processes:
    """The group that trains together. ``rank`` is this process's number in it; one alone is a group of one."""

    rank: int = 0
    count: int = 1

    @classmethod
    def current(cls) -> Processes:
        """Those that joined with :func:`open_group`, or this one alone."""
        if not (dist.is_available() and dist.is_initialized()):
            return cls()
        return cls(rank=dist.get_rank(), count=dist.get_world_size())

    @property
    def is_first(self) -> bool:
        """Whether this is the process that judges, shows and saves."""
        return self.rank == 0

    def part(self, batch: T) -> T:
        """This process's rows of a batch, a dataclass of tensors: (B, ...) -> (B // W, ...).

        Parts are equal, so that the mean of their means is the batch's, and no row is left out: raises TrainingError
        for a batch that the processes do not divide.
        """
        return batch if self.count == 1 else _rows_of(batch, self)

    def mean(self, values: Sequence[float]) -> list[float]:
        """The mean of each number over the processes."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=_wire())
        dist.all_reduce(total)
        return [float(value) for value in (total / self.count).tolist()]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all of them learn the same."""
        return self.mean([float(flag)])[0] > 0.0

    def meet(self) -> None:
        """Wait until all processes are here."""
        self.any(flag=False)

    def from_first(self, value: T) -> T:
        """The first process's value, for all."""
        if self.count == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, device=_wire())
        return values[0]

    def generator(self, shared: torch.Generator, seed: int, step: int) -> torch.Generator:
        """Random numbers for one step's part: the training's own for one process, otherwise by seed, step and rank.

        Equal draws for the parts of a batch would be no augmentation; and nothing has to be saved to continue these.
        """
        if self.count == 1:
            return shared
        return torch.Generator().manual_seed((seed * 1_000_003 + step * self.count + self.rank) % 2**63)


@contextmanager
def open_group() -> Iterator[Processes]:
    """Join the processes that ``torchrun`` has started, until the block ends: NCCL where there are GPUs, else gloo.

    The process of local rank n computes on GPU n.
    """
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(dist.get_node_local_rank(fallback_rank=0))
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE)
    try:
        yield Processes.current()
    finally:
        dist.destroy_process_group()


class SharedLosses(nn.Module):
    """A task's losses as a module, which is what DistributedDataParallel wraps: T is used twice in one step."""

    def __init__(self, task: Any) -> None:
        super().__init__()
        self.task, self.module = task, task.module

    def forward(self, batch: Any, step: int, generator: torch.Generator) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = self.task.losses(batch, step, generator)
        return losses


def check_parts(rows: int, count: int) -> None:
    """Raise TrainingError unless that many rows part evenly among ``count`` processes."""
    if rows == 0 or rows % count:
        fewer = max(number for number in range(1, count + 1) if rows % number == 0)
        raise TrainingError(
            f"batch_size: a batch of {rows} cannot be parted evenly among {count} processes; "
            f"use {fewer} of them, or a batch size that {count} divides"
        )


def share_losses(task: Any, processes: Processes) -> Any:
    """``task.losses``, whose gradients will be the mean over the processes."""
    if processes.count == 1:
        return task.losses
    return DistributedDataParallel(SharedLosses(task))


def share_statistics(module: nn.Module, processes: Processes) -> None:
    """Let batch normalisation see whole batches, not parts. On GPUs it is PyTorch's own; that knows no other device."""
    if processes.count == 1:
        return
    if next(module.parameters()).is_cuda:
        nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.forward = partial(_normalize, norm, processes)  # type: ignore[method-assign]


def mean_weight(weight: Tensor) -> Tensor:
    """A divisor that depends on the batch, averaged over the processes: the parts' losses then average to the whole's.

    It is a constant to gradients.
    """
    if Processes.current().count == 1:
        return weight
    total = weight.detach().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


class _Sum(torch.autograd.Function):
    """The sum over all processes. Its gradient is the sum of theirs: all their losses depend on it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        total = value.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def _normalize(norm: nn.BatchNorm2d, processes: Processes, pictures: Tensor) -> Tensor:
    """Batch normalisation (B, C, H, W) by mean and variance over the parts of all processes."""
    if not norm.training:
        return F.batch_norm(pictures, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    values = pictures.float()
    mean, variance, count = _statistics(values, processes)
    _remember(norm, mean.detach(), variance.detach() * count / max(count - 1.0, 1.0))
    scale = norm.weight * (variance + norm.eps).rsqrt()
    shift = norm.bias - mean * scale
    return (values * scale[:, None, None] + shift[:, None, None]).to(pictures.dtype)


def _statistics(values: Tensor, processes: Processes) -> tuple[Tensor, Tensor, float]:
    """Mean (C,), biased variance (C,) and the number of values behind each.

    Moments of the parts are put together (Chan et al., 1979): the difference of two large sums would lose digits.
    """
    variance, mean = torch.var_mean(values, dim=(0, 2, 3), correction=0)
    count = mean.new_tensor([values.numel() / values.shape[1]])
    table = torch.zeros(processes.count, 1 + 2 * len(mean), device=mean.device)
    own = torch.arange(processes.count, device=mean.device)[:, None] == processes.rank
    moments = torch.where(own, torch.cat([count, mean, variance]), table)
    summed: Tensor = _Sum.apply(moments)  # type: ignore[no-untyped-call]
    counts, means, variances = torch.split(summed, [1, len(mean), len(mean)], dim=1)
    weights = counts / counts.sum()
    whole = (weights * means).sum(0)
    return whole, (weights * (variances + (means - whole).square())).sum(0), float(counts.detach().sum())


def _remember(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked.add_(1)
    momentum = 1.0 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(variance, momentum)


def _rows_of(batch: T, processes: Processes) -> T:
    """The rows of every tensor in a dataclass, and in those that it holds."""
    if not is_dataclass(batch) or isinstance(batch, type):
        raise TrainingError(f"source: a {type(batch).__name__} cannot be parted among processes; use a dataclass")
    parts: dict[str, Any] = {}
    for entry in fields(batch):
        value = getattr(batch, entry.name)
        if isinstance(value, Tensor):
            parts[entry.name] = _rows(value, processes)
        elif is_dataclass(value):
            parts[entry.name] = _rows_of(value, processes)
    return replace(batch, **parts)


def _rows(tensor: Tensor, processes: Processes) -> Tensor:
    check_parts(len(tensor), processes.count)
    rows = len(tensor) // processes.count
    return tensor[processes.rank * rows : (processes.rank + 1) * rows]


def _wire() -> torch.device:
    """Where collectives want their tensors."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
