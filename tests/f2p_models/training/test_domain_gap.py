from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from f2p_models.training.domain_gap import characters_mean, close_gap, photos_mean
from f2p_models.training.embedded import EmbeddingTable

CPU = torch.device("cpu")


def table(offset: float, *, photos: bool = False) -> EmbeddingTable:
    embedding = offset + torch.randn(6, 24, generator=torch.Generator().manual_seed(3))
    return EmbeddingTable(torch.arange(6), embedding, None if photos else torch.rand(6, 4))


def test_renders_are_learned_from_where_they_lie_and_where_photos_do() -> None:
    renders, photos = table(2.0), table(-1.0, photos=True)
    as_they_are, moved = close_gap([renders], photos.mean)
    assert as_they_are is renders
    torch.testing.assert_close(moved.mean, photos.mean)
    torch.testing.assert_close(moved.embedding - moved.mean, renders.embedding - renders.mean)
    assert moved.vector is renders.vector


def test_photos_that_are_renders_say_nothing_about_where_photos_lie(toy_embedder: Any) -> None:
    assert torch.equal(photos_mean(table(2.0), toy_embedder), toy_embedder.center)
    photos = table(2.0, photos=True)
    assert torch.equal(photos_mean(photos, toy_embedder), photos.mean)


def test_the_average_character_is_measured_on_the_imitators_pictures(toy_embedder: Any) -> None:
    class Painting(torch.nn.Module):
        def picture(self, vectors: torch.Tensor) -> torch.Tensor:
            return vectors[:, :3, None, None].expand(-1, 3, 16, 16)

    vectors = torch.rand(40, 4)
    embed: Callable[..., torch.Tensor] = toy_embedder.embed
    expected = embed(Painting().picture(vectors)).mean(0)
    torch.testing.assert_close(characters_mean(Painting(), toy_embedder, vectors, CPU), expected)
