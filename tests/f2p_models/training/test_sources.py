from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from f2p_models.errors import TrainingError
from f2p_models.training.embedded import EmbeddedSource, embed_source
from f2p_models.training.sources import GuardedSource, MixedSource, heldout_index, mask_of, vector_of

Build = Callable[..., Any]
CPU = torch.device("cpu")


def indices(source: Any, epoch: int, start_batch: int = 0) -> list[list[int]]:
    return [batch.index.tolist() for batch in source.epoch(epoch, start_batch)]


@pytest.mark.parametrize("start", range(8))
def test_a_mixed_source_can_be_entered_at_any_batch(toy_source: Build, start: int) -> None:
    mixed = MixedSource([toy_source("train", 40), toy_source("train", 16)])
    assert mixed.num_batches == 7
    assert indices(mixed, 3, start) == indices(mixed, 3)[start:]


def test_a_mixed_source_has_every_batch_of_every_source(toy_source: Build) -> None:
    large, small = toy_source("train", 40), toy_source("train", 16)
    mixed = indices(MixedSource([large, small]), 1)
    assert sorted(mixed) == sorted(indices(large, 1) + indices(small, 1))
    assert mixed[1] == indices(small, 1)[0], "the small source is spread out, not left to the end"


def test_nothing_to_mix_is_refused() -> None:
    with pytest.raises(TrainingError, match="at least one"):
        MixedSource([])


def test_the_guard_lets_training_pairs_pass_and_stops_held_out_ones(toy_source: Build) -> None:
    train, heldout = toy_source("train", 16), toy_source("heldout", 16)
    forbidden = heldout_index(heldout)
    assert indices(GuardedSource(train, forbidden), 0) == indices(train, 0)
    with pytest.raises(TrainingError, match="held-out split"):
        list(GuardedSource(heldout, forbidden).epoch(0))


def test_an_empty_held_out_source_is_refused(toy_source: Build) -> None:
    with pytest.raises(TrainingError, match="it is empty"):
        heldout_index(toy_source("heldout", 0))


def test_a_photo_has_no_vector_to_train_an_imitator_on(toy_source: Build) -> None:
    with pytest.raises(TrainingError, match="no vectors"):
        vector_of(next(toy_source("train", 8, photos=True).epoch(0)))


def test_a_source_without_masks_trains_no_segmenter(toy_source: Build) -> None:
    batch = next(toy_source("train", 8).epoch(0))
    with pytest.raises(TrainingError, match="field 'mask'"):
        mask_of(type(batch)(batch.index, batch.vector, batch.image, None))


@pytest.fixture
def embedded(toy_source: Build, toy_embedder: Any) -> Callable[..., EmbeddedSource]:
    def build(count: int, photos: bool = False) -> EmbeddedSource:
        source = toy_source("train", count, photos=photos)
        return EmbeddedSource(source, embed_source(toy_embedder, source, device=CPU, title="toys"))

    return build


def test_every_pair_gets_its_own_embedding_in_every_epoch(embedded: Build, toy_embedder: Any) -> None:
    for batch in embedded(20).epoch(5):
        assert torch.allclose(batch.embedding, toy_embedder.embed(batch.image / 255.0), atol=1e-5)


def test_photos_have_embeddings_but_no_vectors(embedded: Build) -> None:
    source = embedded(8, photos=True)
    assert source.table.vector is None
    assert next(source.epoch(0)).vector is None


def test_a_pair_that_was_not_embedded_is_refused(embedded: Build) -> None:
    with pytest.raises(TrainingError, match="keep the pairs"):
        embedded(8).table.of(torch.tensor([1]))


def test_pairs_that_a_loader_drops_at_an_epochs_end_are_embedded_too(toy_source: Build, toy_embedder: Any) -> None:
    source = toy_source("train", 20, delivered=2)
    table = embed_source(toy_embedder, source, device=CPU, title="toys")
    assert table.index.tolist() == sorted(source.index.tolist())
    assert torch.allclose(table.embedding, toy_embedder.embed(source.image / 255.0), atol=1e-5)
    assert torch.equal(table.vector, source.vector)


def test_a_complete_pass_over_mixed_and_guarded_sources_has_every_pair(toy_source: Build) -> None:
    first, second = toy_source("train", 20, delivered=1), toy_source("train", 12, delivered=1)
    guarded = GuardedSource(MixedSource([first, second]), torch.tensor([4]))
    found = sorted(index for batch in guarded.complete() for index in batch.index.tolist())
    assert found == sorted([*first.index.tolist(), *second.index.tolist()])


def test_the_guard_stops_held_out_pairs_in_a_complete_pass_too(toy_source: Build) -> None:
    heldout = toy_source("heldout", 16)
    with pytest.raises(TrainingError, match="held-out split"):
        list(GuardedSource(heldout, heldout_index(heldout)).complete())
