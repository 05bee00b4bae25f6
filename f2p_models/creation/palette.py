"""Which color each choice gives hair and lips: looked at once, on the average face, whoever's photo comes.

B photos, K choices of all discrete parameters together, R colored parts

Most choices of a list of lipsticks need not be tried on a face to see that they are of another color.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from engine_bridge.schema import ParameterSchema
from f2p_models.creation.colors import color_differences, part_colors
from f2p_models.creation.likeness import COLOR_SHARE, Target
from f2p_models.creation.rendering import Drawing
from f2p_models.segmenter import Segmenter

_DRAWN_AT_ONCE: Final = 16


@dataclass(frozen=True, kw_only=True)
class Palette:
    """``colors`` (K, R, 3) of the average face with each choice, in the order of a vector's discrete part."""

    colors: Tensor

    def color_losses(self, target: Target, vector_size: int) -> Tensor:
        """What a choice's color costs each photo: (B, V), zero for sliders."""
        num_photos, num_choices = len(target.colors), len(self.colors)
        losses = torch.zeros(num_photos, vector_size, device=self.colors.device)
        photos = target.colors.repeat_interleave(num_choices, 0)
        differences = color_differences(photos, self.colors.repeat(num_photos, 1, 1))
        losses[:, vector_size - num_choices :] = COLOR_SHARE * differences.view(num_photos, num_choices)
        return losses


@torch.no_grad()
def mix_palette(schema: ParameterSchema, draw: Drawing, segmenter: Segmenter, device: torch.device) -> Palette:
    """Draw the average face with every choice in turn."""
    vectors = np.repeat(schema.default_vector()[None], schema.num_discrete, 0)
    for block in schema.blocks.values():
        rows = slice(block.start - schema.num_continuous, block.stop - schema.num_continuous)
        vectors[rows, block] = np.eye(block.stop - block.start, dtype=np.float32)
    pictures = [draw(chunk.to(device)) for chunk in torch.split(torch.from_numpy(vectors), _DRAWN_AT_ONCE)]
    colors = [part_colors(chunk, segmenter(chunk).probabilities) for chunk in pictures]
    return Palette(colors=torch.cat(colors) if colors else torch.zeros(0, 0, 3, device=device))
