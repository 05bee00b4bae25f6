"""Renders and photos of the same person do not embed alike: all renders lie off the photos in one direction.

With dlib's network and the mock engine the two means are as far apart as two people. The mean of each domain can be
measured without knowing who is who, and taken off: "unlike the average person" is then compared with "unlike the
average character", and what the translator learned from renders holds for photos. Not in the paper.

N pairs, D embedding, V vector
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from f2p_models.embedders.protocol import Embedder
from f2p_models.imitator import Imitator
from f2p_models.training.embedded import EmbeddingTable

#: Characters whose pictures are averaged; their mean is then off by a sixteenth of what two characters differ.
NUM_CHARACTERS: Final = 256
AT_ONCE: Final = 32


def photos_mean(photos: EmbeddingTable, embedder: Embedder) -> Tensor:
    """Where real photos lie (D,): the mean of these; where they are renders, the embedder's own center."""
    return photos.mean if photos.vector is None else embedder.center.cpu()


def close_gap(tables: Sequence[EmbeddingTable], target: Tensor) -> list[EmbeddingTable]:
    """Every table twice: as it is, and moved so that its mean is ``target`` (D,).

    As it is, too: photo-like renders are what a creator is evaluated on, and the loopback's pictures are renders.
    """
    return [table for found in tables for table in (found, found.moved(target - found.mean))]


@torch.no_grad()
def characters_mean(imitator: Imitator, embedder: Embedder, vectors: Tensor, device: torch.device) -> Tensor:
    """The mean embedding (D,) of the imitator's pictures of the first vectors of (N, V)."""
    chunks = torch.split(vectors[:NUM_CHARACTERS].to(device), AT_ONCE)
    return torch.cat([embedder.embed(imitator.picture(chunk)) for chunk in chunks]).mean(0)
