"""Batches with their identity embeddings. A frozen embedder sees every picture once, not once per epoch.

B batch, N pairs, D embedding, V vector, H W pixels
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from f2p_models.embedders.protocol import Embedder
from f2p_models.errors import TrainingError
from f2p_models.pictures import to_unit
from f2p_models.training.progress import Progress, SilentProgress
from f2p_models.training.sources import BatchSource


@dataclass(frozen=True, kw_only=True)
class EmbeddedBatch:
    """embedding (B, D) and vector (B, V) or None, float32; image (B, 3, H, W) uint8, or None where none is needed.

    ``with_content`` says whether the content loss counts for this batch: the paper's lambda_2 > 0.
    """

    embedding: Tensor
    vector: Tensor | None
    image: Tensor | None
    with_content: bool = True


@dataclass(frozen=True)
class EmbeddingTable:
    """A source's embeddings: index (N,) int64 ascending, embedding (N, D), vector (N, V) or None for photos."""

    index: Tensor
    embedding: Tensor
    vector: Tensor | None

    def of(self, index: Tensor) -> Tensor:
        """(B, D) of the pairs with these indices. Raises TrainingError for a pair that was not embedded."""
        rows = torch.searchsorted(self.index, index).clamp_max(len(self.index) - 1)
        if not torch.equal(self.index[rows], index):
            unknown = int(index[self.index[rows] != index][0])
            raise TrainingError(f"source: pair {unknown} was not there when pictures were embedded; keep the pairs")
        return self.embedding[rows]


@torch.no_grad()
def embed_source(
    embedder: Embedder, source: BatchSource, *, device: torch.device, title: str, progress: Progress | None = None
) -> EmbeddingTable:
    """Embed every picture of a source once."""
    progress = progress or SilentProgress()
    rows: list[_Row] = []
    progress.start(source.num_pairs, f"embed {title}")
    try:
        for batch in source.complete():
            embedding = embedder.embed(to_unit(batch.image, device)).float().cpu()
            rows.append((batch.index.cpu(), embedding, None if batch.vector is None else batch.vector.cpu()))
            progress.advance(len(embedding))
    finally:
        progress.finish()
    if not rows:
        raise TrainingError(f"source: {title} is empty; render more pairs")
    return _sorted_table(rows)


_Row = tuple[Tensor, Tensor, Tensor | None]


def _sorted_table(rows: Sequence[_Row]) -> EmbeddingTable:
    index, order = torch.cat([row[0] for row in rows]).sort()
    vectors = [row[2] for row in rows if row[2] is not None and row[2].shape[1] > 0]
    return EmbeddingTable(
        index=index,
        embedding=torch.cat([row[1] for row in rows])[order],
        vector=torch.cat(vectors)[order] if len(vectors) == len(rows) else None,
    )


@dataclass(frozen=True)
class EmbeddedSource:
    """A source whose batches carry their embeddings."""

    source: BatchSource
    table: EmbeddingTable

    @property
    def num_pairs(self) -> int:
        return self.source.num_pairs

    @property
    def num_batches(self) -> int:
        return self.source.num_batches

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[EmbeddedBatch]:
        for batch in self.source.epoch(epoch, start_batch):
            vector = batch.vector if self.table.vector is not None else None
            yield EmbeddedBatch(embedding=self.table.of(batch.index.cpu()), vector=vector, image=batch.image)


class LabelledTables:
    """Embeddings whose vectors are known, without their pictures, shuffled anew every epoch."""

    def __init__(self, tables: Sequence[EmbeddingTable], *, batch_size: int, seed: int) -> None:
        labelled = [(table.embedding, table.vector) for table in tables if table.vector is not None]
        if not labelled:
            raise TrainingError("warmup_epochs: no source has vectors to learn from; add renders or set it to 0")
        self.embedding = torch.cat([embedding for embedding, _ in labelled])
        self.vector = torch.cat([vector for _, vector in labelled])
        self._batch_size, self._seed = min(batch_size, len(self.embedding)), seed

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
            yield EmbeddedBatch(embedding=self.embedding[rows], vector=self.vector[rows], image=None)


def _generator(seed: int, epoch: int) -> torch.Generator:
    mixed = torch.tensor([seed, epoch]).mul(torch.tensor([1_000_003, 1])).sum()
    return torch.Generator().manual_seed(int(mixed))


@dataclass(frozen=True)
class AlternatingSource:
    """Every ``period``-th batch from all photos, without content loss; the others from the frontal ones, with it.

    Section 3.4.1: lambda_2 = 0 every 4 steps, "to improve the prediction on side-view faces". An epoch sees all
    frontal photos once; the full set goes on from where the last epoch left it.
    """

    full: EmbeddedSource
    frontal: EmbeddedSource
    period: int

    @property
    def num_batches(self) -> int:
        return self.frontal.num_batches + self.frontal.num_batches // (self.period - 1)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[EmbeddedBatch]:
        full_done = start_batch // self.period
        frontal = self.frontal.epoch(epoch, start_batch - full_done)
        full = self._endless_full(epoch * (self.num_batches // self.period) + full_done)
        for turn in range(start_batch, self.num_batches):
            if turn % self.period == self.period - 1:
                batch = next(full)
                yield EmbeddedBatch(
                    embedding=batch.embedding, vector=batch.vector, image=batch.image, with_content=False
                )
            else:
                yield next(frontal)

    def _endless_full(self, done: int) -> Iterator[EmbeddedBatch]:
        epoch, start = divmod(done, self.full.num_batches)
        while True:
            yield from self.full.epoch(epoch, start)
            epoch, start = epoch + 1, 0
