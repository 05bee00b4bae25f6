from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from f2p_models.errors import TrainingError
from f2p_models.training.distributed import Processes
from f2p_models.training.embedded import EmbeddedSource, embed_source
from f2p_models.training.translator_source import AlternatingSource, LabelledTables

Build = Callable[..., Any]
CPU = torch.device("cpu")


@pytest.fixture
def embedded(toy_source: Build, toy_embedder: Any) -> Callable[..., EmbeddedSource]:
    def build(count: int, photos: bool = False) -> EmbeddedSource:
        source = toy_source("train", count, photos=photos)
        return EmbeddedSource(source, embed_source(toy_embedder, source, device=CPU, title="toys"))

    return build


@pytest.mark.parametrize("period", [0, 2, 4])
@pytest.mark.parametrize("start", [0, 1, 3, 4, 7])
def test_alternation_can_be_entered_at_any_batch(embedded: Build, period: int, start: int) -> None:
    source = AlternatingSource(full=embedded(72), frontal=embedded(48), period=period)
    whole, rest = list(source.epoch(2)), list(source.epoch(2, start))
    assert len(whole) == source.num_batches
    for expected, batch in zip(whole[start:], rest, strict=True):
        assert torch.equal(expected.embedding, batch.embedding)
        assert expected.with_content == batch.with_content


def test_an_epoch_can_be_shorter_than_the_photos_and_the_next_ones_see_others(embedded: Build) -> None:
    source = AlternatingSource(full=embedded(72), frontal=embedded(48), period=4, limit=5)
    first, second = (list(source.epoch(epoch)) for epoch in (0, 1))
    assert len(first) == len(second) == source.num_batches == 5
    assert not torch.equal(first[0].index, second[0].index)
    from_full = [batch.index for batch in first + second if not batch.with_content]
    expected = [batch.index for batch in source.full.epoch(0)][:2]
    assert all(torch.equal(*pair) for pair in zip(from_full, expected, strict=True))


def test_every_fourth_batch_comes_from_all_photos_and_without_content_loss(embedded: Build) -> None:
    source = AlternatingSource(full=embedded(72), frontal=embedded(48), period=4)
    assert [batch.with_content for batch in source.epoch(0)] == [True, True, True, False] * 2


def test_all_photos_go_on_where_the_last_epoch_left_them(embedded: Build) -> None:
    full = embedded(72)
    source = AlternatingSource(full=full, frontal=embedded(48), period=4)
    from_full = [batch.embedding for epoch in (0, 1) for batch in source.epoch(epoch) if not batch.with_content]
    expected = [batch.embedding for batch in full.epoch(0)][:4]
    assert all(torch.equal(*pair) for pair in zip(from_full, expected, strict=True))


def test_a_table_smaller_than_its_batch_parts_evenly_among_processes(
    embedded: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Processes, "current", lambda: Processes(count=5))
    tables = LabelledTables([embedded(24).table], batch_size=64, seed=0)
    assert [len(batch.index) for batch in tables.epoch(0)] == [20]


def test_warm_up_tables_shuffle_by_seed_and_epoch_and_can_be_entered(embedded: Build) -> None:
    tables = LabelledTables([embedded(20).table, embedded(8, photos=True).table], batch_size=6, seed=3)
    assert tables.num_batches == 3
    first, second = (torch.cat([batch.embedding for batch in tables.epoch(epoch)]) for epoch in (0, 1))
    assert not torch.equal(first, second)
    entered = [batch.vector for batch in tables.epoch(1, 1)]
    assert all(torch.equal(*pair) for pair in zip(entered, [b.vector for b in tables.epoch(1)][1:], strict=True))


def test_a_warm_up_needs_vectors(embedded: Build) -> None:
    with pytest.raises(TrainingError, match="no source has vectors to learn from"):
        LabelledTables([embedded(8, photos=True).table], batch_size=4, seed=0)


def test_a_period_of_zero_leaves_the_frontal_photos(embedded: Build) -> None:
    source = AlternatingSource(full=embedded(72), frontal=embedded(48), period=0)
    assert [batch.with_content for batch in source.epoch(0)] == [True] * 6


@pytest.mark.parametrize("start", [0, 3, 5])
def test_every_batch_brings_known_vectors_along_and_epochs_go_on_with_the_next(embedded: Build, start: int) -> None:
    labelled = LabelledTables([embedded(20).table], batch_size=6, seed=3)
    photos = embedded(48, photos=True)
    source = AlternatingSource(full=photos, frontal=photos, period=0, labelled=labelled)
    brought = [batch.labelled.index for batch in source.epoch(1, start)]
    everything = [batch.index for epoch in range(5) for batch in labelled.epoch(epoch)]
    assert all(torch.equal(*pair) for pair in zip(brought, everything[6 + start : 12], strict=True))
