"""In which order the translator sees its pictures (Shi et al., TPAMI, section 3.4.1).

B batch, N pairs, D embedding, V vector
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from f2p_models.errors import TrainingError
from f2p_models.training.distributed import Processes
from f2p_models.training.embedded import EmbeddedBatch, EmbeddedSource, EmbeddingTable


class LabelledTables:
    """Embeddings whose vectors are known, without their pictures, shuffled anew every epoch."""

    def __init__(self, tables: Sequence[EmbeddingTable], *, batch_size: int, seed: int) -> None:
        labelled = [(table.index, table.embedding, table.vector) for table in tables if table.vector is not None]
        if not labelled:
            raise TrainingError(
                "warmup_epochs, lambda_parameter: no source has vectors to learn from; add renders or set both to 0"
            )
        self.index, self.embedding, self.vector = (torch.cat(parts) for parts in zip(*labelled, strict=True))
        self._batch_size, self._seed = min(batch_size, _parted_rows(len(self.embedding))), seed

    @property
    def deviation(self) -> float:
        """How far embeddings lie from their mean, in each dimension, on average."""
        return float(self.embedding.std(0).mean())

    @property
    def num_batches(self) -> int:
        """Whole batches only."""
        return len(self.embedding) // self._batch_size

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[EmbeddedBatch]:
        shuffled = torch.randperm(len(self.embedding), generator=_generator(self._seed, epoch))
        for batch in range(start_batch, self.num_batches):
            rows = shuffled[batch * self._batch_size : (batch + 1) * self._batch_size]
            yield EmbeddedBatch(index=self.index[rows], embedding=self.embedding[rows], vector=self.vector[rows])

    def endless(self, start: int) -> Iterator[EmbeddedBatch]:
        """Epoch after epoch, from the ``start``-th batch of all on."""
        return _endless(self, start)


def _parted_rows(count: int) -> int:
    """As many of a small table's rows as several processes can part evenly; which ones changes with every epoch."""
    return count - count % Processes.current().count or count


def _generator(seed: int, epoch: int) -> torch.Generator:
    mixed = torch.tensor([seed, epoch]).mul(torch.tensor([1_000_003, 1])).sum()
    return torch.Generator().manual_seed(int(mixed))


@dataclass(frozen=True)
class AlternatingSource:
    """Every ``period``-th batch from all photos, without content loss; the others from the frontal ones, with it.

    Section 3.4.1: lambda_2 = 0 every 4 steps, "to improve the prediction on side-view faces". An epoch sees all
    frontal photos once; the full set goes on from where the last epoch left it. With a period of 0 the frontal photos
    are all there is. With ``labelled``, every batch brings some pairs of known vectors along. An epoch has at most
    ``limit`` batches, where that is not 0.
    """

    full: EmbeddedSource
    frontal: EmbeddedSource
    period: int
    labelled: LabelledTables | None = None
    limit: int = 0

    @property
    def num_batches(self) -> int:
        whole = self.frontal.num_batches
        if self.period:
            whole += self.frontal.num_batches // (self.period - 1)
        return min(whole, self.limit) if self.limit else whole

    @property
    def _num_full(self) -> int:
        """Batches of an epoch that come from all photos."""
        return self.num_batches // self.period if self.period else 0

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[EmbeddedBatch]:
        batches = self._alternating(epoch, start_batch)
        if self.labelled is None:
            return batches
        labelled = self.labelled.endless(epoch * self.num_batches + start_batch)
        return (replace(batch, labelled=known) for batch, known in zip(batches, labelled, strict=False))

    def _alternating(self, epoch: int, start_batch: int) -> Iterator[EmbeddedBatch]:
        full_done = start_batch // self.period if self.period else 0
        frontal = self.frontal.epoch(epoch, start_batch - full_done)
        full = _endless(self.full, epoch * self._num_full + full_done)
        for turn in range(start_batch, self.num_batches):
            if self.period and turn % self.period == self.period - 1:
                yield replace(next(full), with_content=False)
            else:
                yield next(frontal)


def _endless(source: EmbeddedSource | LabelledTables, done: int) -> Iterator[EmbeddedBatch]:
    epoch, start = divmod(done, source.num_batches)
    while True:
        yield from source.epoch(epoch, start)
        epoch, start = epoch + 1, 0
