from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from f2p_models.errors import TensorError
from f2p_models.evaluation import evaluate_imitator, evaluate_segmenter
from f2p_models.evaluation.generalization import FirstPairs, heldout_error, measure_error
from f2p_models.imitator import Imitator, ImitatorConfig
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.translator import Translator, TranslatorConfig

SIDE = 64


@dataclass(frozen=True)
class Rows:
    index: Tensor
    vector: Tensor | None
    image: Tensor
    mask: Tensor | None


@dataclass(frozen=True)
class Source:
    """``count`` random pairs in batches of 4."""

    count: int = 12
    labelled: bool = True

    num_batches = property(lambda self: -(-self.count // 4))
    num_pairs = property(lambda self: self.count)

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Rows]:
        yield from list(self.complete())[start_batch:]

    def complete(self) -> Iterator[Rows]:
        draw = torch.Generator().manual_seed(0)
        images = torch.randint(0, 256, (self.count, 3, SIDE, SIDE), generator=draw, dtype=torch.uint8)
        masks = torch.randint(0, 11, (self.count, SIDE, SIDE), generator=draw, dtype=torch.uint8)
        vectors = torch.rand(self.count, 4, generator=draw)
        for rows in torch.arange(self.count).split(4):
            yield Rows(rows, vectors[rows] if self.labelled else None, images[rows], masks[rows])


class MeanColor:
    """An embedder of sorts: the pictures' mean colors."""

    def embed(self, pictures: Tensor) -> Tensor:
        return pictures.mean((2, 3))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def imitator() -> Imitator:
    return Imitator(ImitatorConfig(vector_size=4, resolution=SIDE, width=0.02)).eval()


def segmenter() -> Segmenter:
    return Segmenter(SegmenterConfig(width=0.02, input_px=SIDE)).eval()


def translator() -> Translator:
    return Translator(TranslatorConfig(embedding_size=3, num_continuous=2, block_sizes=(2,))).eval()


@pytest.mark.parametrize(("count", "batches"), [(4, 1), (5, 2), (12, 3), (100, 3)])
def test_the_first_pairs_end_with_the_batch_that_completes_them(count: int, batches: int) -> None:
    first = FirstPairs(Source(), count)
    assert (first.num_batches, first.num_pairs) == (batches, min(count, 12))
    assert [int(batch.index[0]) for batch in first.epoch(3)] == [0, 4, 8][:batches]
    assert [int(batch.index[0]) for batch in first.epoch(0, 1)] == [4, 8][: batches - 1]


def test_the_same_pairs_give_the_error_that_the_evaluation_has(recwarn: Any) -> None:
    pairs, painter, parser = Source(), imitator(), segmenter()
    found = evaluate_imitator(painter, pairs, pairs)  # type: ignore[arg-type]
    assert measure_error(painter, pairs) == pytest.approx(found.l1)  # type: ignore[arg-type]
    parsed = evaluate_segmenter(parser, pairs, pairs)  # type: ignore[arg-type]
    assert measure_error(parser, pairs) == pytest.approx(1.0 - parsed.mean_iou, abs=0.02)  # type: ignore[arg-type]


def test_a_translator_is_asked_with_the_embeddings_it_knows() -> None:
    network, pairs = translator(), Source()
    [batch] = list(Source(count=4).complete())
    with torch.no_grad():
        answered = network(MeanColor().embed(batch.image / 255))
    assert batch.vector is not None
    expected = (answered - batch.vector)[:, :2].abs().mean()
    first = FirstPairs(Source(count=4), 4)  # type: ignore[arg-type]
    assert measure_error(network, first, MeanColor()) == pytest.approx(float(expected), abs=1e-5)  # type: ignore[arg-type]
    with pytest.raises(TensorError, match="embedder: a translator answers embeddings"):
        measure_error(network, pairs)  # type: ignore[arg-type]
    with pytest.raises(TensorError, match="pairs: they carry no vectors"):
        measure_error(network, Source(labelled=False), MeanColor())  # type: ignore[arg-type]


def test_the_held_out_error_is_the_training_s_own_metric() -> None:
    assert heldout_error("imitator", {"l1": 0.02}) == 0.02
    assert heldout_error("segmenter", {"miou": 0.75}) == 0.25
    assert heldout_error("translator", {"slider_error": 0.13}) == 0.13
