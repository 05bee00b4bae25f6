"""Batches with their identity embeddings. A frozen embedder sees every picture once, not once per epoch.

B batch, N pairs, D embedding, V vector, H W pixels
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

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

    index         (B,) int64, each pair's place in its dataset
    with_content  whether the content loss counts for this batch: the paper's lambda_2 > 0
    labelled      further pairs of known vectors for the same step, which nobody needs to see
    """

    index: Tensor
    embedding: Tensor
    vector: Tensor | None = None
    image: Tensor | None = None
    with_content: bool = True
    labelled: EmbeddedBatch | None = None


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

    @property
    def mean(self) -> Tensor:
        """(D,)."""
        return self.embedding.mean(0)

    def moved(self, shift: Tensor) -> EmbeddingTable:
        """The same pairs with ``shift`` (D,) added to every embedding."""
        return replace(self, embedding=self.embedding + shift)


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
            index = batch.index.cpu()
            vector = batch.vector if self.table.vector is not None else None
            yield EmbeddedBatch(index=index, embedding=self.table.of(index), vector=vector, image=batch.image)
