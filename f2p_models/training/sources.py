"""Where training takes its batches from. What reads the disk is the caller's affair.

B batch, V vector, H W pixels. A source is a finite, repeatable sequence of batches for every epoch: the same epoch
gives the same batches, and ``start_batch`` enters it in the middle, so that a resumed run continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from f2p_models.errors import TrainingError

BatchT_co = TypeVar("BatchT_co", covariant=True)


class Batch(Protocol):
    """Some pairs. A photo has no vector; a mask is there when the source was asked for it."""

    @property
    def index(self) -> Tensor:
        """(B,) int64, each pair's place in its dataset."""

    @property
    def vector(self) -> Tensor | None:
        """(B, V) float32 in [0, 1]."""

    @property
    def image(self) -> Tensor:
        """(B, 3, H, W) uint8 RGB."""

    @property
    def mask(self) -> Tensor | None:
        """(B, H, W) uint8 part ids."""


class Source(Protocol[BatchT_co]):
    """Batches by epoch."""

    @property
    def num_batches(self) -> int:
        """Batches in one epoch."""

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[BatchT_co]:
        """The epoch's batches from ``start_batch`` on."""


class BatchSource(Source[Batch], Protocol):
    """One split of a dataset, in batches."""

    @property
    def num_pairs(self) -> int:
        """Pairs in one epoch."""

    def complete(self) -> Iterator[Batch]:
        """Every pair once. An epoch of a training split may leave out its last, incomplete batch."""


def vector_of(batch: Batch) -> Tensor:
    """The batch's vectors. Raises TrainingError when it has none."""
    if batch.vector is None or batch.vector.shape[1] == 0:
        raise TrainingError("source: its pairs carry no vectors; use a dataset of renders, not of photos")
    return batch.vector


def mask_of(batch: Batch) -> Tensor:
    """The batch's masks. Raises TrainingError when it has none."""
    if batch.mask is None:
        raise TrainingError("source: its batches carry no masks; ask the loader for the field 'mask'")
    return batch.mask


@dataclass(frozen=True)
class MixedSource:
    """Several sources as one: every epoch has all their batches, evenly interleaved."""

    sources: Sequence[BatchSource]

    def __post_init__(self) -> None:
        if not self.sources:
            raise TrainingError("sources: none given; training needs at least one")

    @property
    def num_pairs(self) -> int:
        return sum(source.num_pairs for source in self.sources)

    @property
    def num_batches(self) -> int:
        return sum(source.num_batches for source in self.sources)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        turns = self._turns()
        skipped = turns[:start_batch]
        running = [source.epoch(epoch, skipped.count(which)) for which, source in enumerate(self.sources)]
        for which in turns[start_batch:]:
            yield next(running[which])

    def complete(self) -> Iterator[Batch]:
        return chain.from_iterable(source.complete() for source in self.sources)

    def _turns(self) -> list[int]:
        """Whose turn it is at each batch of an epoch."""
        places = [
            ((batch + 0.5) / source.num_batches, which)
            for which, source in enumerate(self.sources)
            for batch in range(source.num_batches)
        ]
        return [which for _, which in sorted(places)]


@dataclass(frozen=True)
class GuardedSource:
    """A training source that refuses to hand out a held-out pair, whatever the loader behind it does.

    Two public reproductions of the paper trained on their test split. Pairs are told apart by index, which is what
    every dataset is split by.
    """

    source: BatchSource
    heldout_index: Tensor

    @property
    def num_pairs(self) -> int:
        return self.source.num_pairs

    @property
    def num_batches(self) -> int:
        return self.source.num_batches

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        return self._guarded(self.source.epoch(epoch, start_batch))

    def complete(self) -> Iterator[Batch]:
        return self._guarded(self.source.complete())

    def _guarded(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            index = batch.index.cpu()
            leaked = index[torch.isin(index, self.heldout_index)]
            if leaked.numel():
                raise TrainingError(
                    f"source: pair {int(leaked[0])} is in the training and in the held-out split; split by index"
                )
            yield batch


def heldout_index(source: BatchSource) -> Tensor:
    """The index of every pair of a held-out source: (N,) int64. Raises TrainingError when there is none."""
    indices = [batch.index.cpu() for batch in source.epoch(0)]
    if not indices:
        raise TrainingError("held-out source: it is empty; render more pairs so that one in five can be held out")
    return torch.cat(indices)
