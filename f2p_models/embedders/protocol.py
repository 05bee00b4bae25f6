"""What the rest of the package knows of an embedder."""

from __future__ import annotations

from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from torch import Tensor

#: (68, 2) landmarks x, y of the average face in fractions of the picture's side, in the iBUG order of dlib.
Template = npt.NDArray[np.floating[Any]]


class Embedder(Protocol):
    """A frozen network in evaluation mode, an ``nn.Module``; gradients flow through it to the pictures.

    D   ``embedding_size``
    ``center`` (D,) is the mean embedding of many people, or zeros where raw cosines need no centering.
    ``stranger_distance`` is the mean of 1 - similarity over pairs of different people: the unit of the identity loss,
    so that lambda_1 means the same for every embedder.
    ``weights_sha256`` names the weights, so that a checkpoint can say what it was trained against.
    """

    name: str
    embedding_size: int
    center: Tensor
    stranger_distance: float
    weights_sha256: str

    def embed(self, pictures: Tensor) -> Tensor:
        """Aligned pictures (B, 3, H, W), RGB in [0, 1], H = W -> embeddings (B, D), not normalised."""

    def similarity(self, first: Tensor, second: Tensor) -> Tensor:
        """Cosine of embeddings (..., D) -> (...) in [-1, 1], centered where the network needs it."""

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device or a dtype, as ``nn.Module.to``."""
