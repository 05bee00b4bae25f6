"""What a network does on pairs that it learned from, to be compared with what it does on held-out ones.

B batch, V vector, D embedding. Errors are those that a training measures on held-out pairs, measured by its own code:

imitator    ``l1``             mean absolute difference of pictures in [0, 1]
segmenter   ``1 - miou``       one minus the mean intersection over union
translator  ``slider_error``   mean absolute difference of sliders, of their range
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from f2p_models.embedders import Embedder
from f2p_models.errors import TensorError
from f2p_models.imitator import Imitator
from f2p_models.segmenter import Segmenter
from f2p_models.training.embedded import embed_source
from f2p_models.training.imitator import ImitatorTask
from f2p_models.training.segmenter import SegmenterTask, SegmenterTraining
from f2p_models.training.sources import Batch, BatchSource
from f2p_models.training.translator_metrics import parameter_metrics
from f2p_models.translator import Translator

Network = Imitator | Segmenter | Translator


@dataclass(frozen=True)
class FirstPairs:
    """The first ``count`` pairs of a source or a few more, as its batches end."""

    source: BatchSource
    count: int

    @property
    def num_pairs(self) -> int:
        return min(self.count, self.source.num_pairs)

    @property
    def num_batches(self) -> int:
        return sum(1 for _ in self.complete())

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:  # noqa: ARG002
        return itertools.islice(self.complete(), start_batch, None)

    def complete(self) -> Iterator[Batch]:
        seen = 0
        for batch in self.source.complete():
            yield batch
            seen += len(batch.index)
            if seen >= self.count:
                return


def heldout_error(kind: str, metrics: Mapping[str, float]) -> float:
    """The error among the held-out metrics of a training; see the head of the file."""
    return 1.0 - metrics["miou"] if kind == "segmenter" else metrics["l1" if kind == "imitator" else "slider_error"]


@torch.no_grad()
def measure_error(network: Network, pairs: BatchSource, embedder: Embedder | None = None) -> float:
    """The network's error on these pairs; a translator needs the embedder that it was made for."""
    device = next(network.parameters()).device
    network.eval()
    match network:
        case Imitator():
            task = ImitatorTask(network, pairs, baseline_l1=1.0, channels_last=False, device=device)
            return heldout_error("imitator", task.evaluate())
        case Segmenter():
            return heldout_error("segmenter", _segmenter_task(network, pairs, device).evaluate())
        case Translator():
            return _translator_error(network, pairs, embedder)


def _segmenter_task(network: Segmenter, pairs: BatchSource, device: torch.device) -> SegmenterTask:
    return SegmenterTask(
        module=network,
        heldout=pairs,
        class_weights=torch.ones(1),  # of the loss, which nobody asks for
        training=SegmenterTraining(),
        teacher=None,
        backgrounds=None,
        device=device,
    )


def _translator_error(network: Translator, pairs: BatchSource, embedder: Embedder | None) -> float:
    device = next(network.parameters()).device
    if embedder is None:
        raise TensorError("embedder: a translator answers embeddings; give the one that it was trained on")
    table = embed_source(embedder, pairs, device=device, title="training pairs")
    if table.vector is None:
        raise TensorError("pairs: they carry no vectors; give renders")
    predicted = network(table.embedding.to(device)).cpu()
    return heldout_error("translator", parameter_metrics(predicted, table.vector, network.config.block_sizes))
