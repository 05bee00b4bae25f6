"""Who draws a character: the imitator in the search, and at its end the engine, where there is one to ask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from f2p_models.pictures import from_pictures

#: Hardened vectors (B, V) -> the engine's studio pictures (B, H, W, 3) uint8, H the bundle's resolution.
Renderer = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.uint8]]
#: The same between tensors: pictures (B, 3, H, W) in [0, 1].
Drawing = Callable[[Tensor], Tensor]


def engine_drawing(render: Renderer, device: torch.device) -> Drawing:
    """An engine that draws tensors on ``device``; no gradient comes through it."""

    def draw(vectors: Tensor) -> Tensor:
        return from_pictures(render(vectors.detach().cpu().numpy())).to(device)

    return draw
