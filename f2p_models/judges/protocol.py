"""What the rest of the package knows of a judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a judge's weights come from, and what is known of them.

    source      package and version they were taken from, and whose network it is
    licence     of the weights, as their authors state it
    trained_on  what they were trained on: never a picture of ours
    sha256      of the weights' files one after the other
    credential  what the judge was measured to be worth, and on what
    """

    source: str
    licence: str
    trained_on: str
    sha256: str
    credential: str


class Judge(Protocol):
    """A frozen network that took no part in training, asked how alike two faces are.

    It has an embedder's verbs, so either can stand where :mod:`f2p_models.evaluation.retrieval` wants somebody to rank.
    ``judges`` is what it looks at: identity or geometry.

    D   ``embedding_size``
    """

    name: str
    judges: str
    embedding_size: int
    provenance: Provenance

    def embed(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, H), RGB in [0, 1], in the studio's frame -> embeddings (B, D)."""

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Embeddings (..., D) -> (...): 1 for equal ones, about 0 for those of different people."""

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """1 - similarity: 0 for equal ones, about 1 for those of different people."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device, as ``nn.Module.to``."""
