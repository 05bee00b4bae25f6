"""Where restarts of a search begin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from f2p_models.creation.search_settings import IterativeConfig


def moved_starts(start: Tensor, num_continuous: int, config: IterativeConfig) -> Iterator[Tensor]:
    """``start`` (B, V) with its sliders moved at random, once for each restart; choices stay.

    Restart r is drawn from (seed, r) alone and moves every photo alike: what happens to one photo depends neither on
    its neighbours nor on how many restarts follow.
    """
    for restart in range(config.restarts):
        noise = np.random.Generator(np.random.Philox(key=[config.seed, restart])).standard_normal(num_continuous)
        shift = torch.from_numpy(config.restart_spread * noise).to(start)
        yield torch.cat([(start[:, :num_continuous] + shift).clamp(0.0, 1.0), start[:, num_continuous:]], 1)
