"""What is behind a head: clutter, or photos of anything; and photos that end before the frame does.

B batch, N backgrounds, H W pixels. Pictures are float (B, 3, H, W) in [0, 1], masks uint8 (B, H, W).
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from engine_bridge.parts import NOT_JUDGED, Part
from f2p_models.training.draws import Draw

#: Blobs are as large as the picture over these; nothing in clutter is smaller than the picture over the last number.
CLUTTER_OCTAVES: Final = (2, 5, 12, 32)
CLUTTER_PX: Final = 32
_SHARE_OF_PHOTOS: Final = 0.7  # where photos are given, the others keep to clutter


def change_background(
    pictures: Tensor, masks: Tensor, behind: Tensor, share: float, draw: Draw, *, photos: Tensor | None = None
) -> Tensor:
    """``behind`` (B, 3, H, W) as background of ``share`` of the pictures.

    Where ``photos`` (N, 3, h, w) uint8 are given, most get a part of one of these instead.
    """
    chosen = draw.chance(share)[:, None, None, None]
    if photos is not None:
        is_photo = draw.chance(_SHARE_OF_PHOTOS)[:, None, None, None]
        behind = torch.where(is_photo, _cut_out(photos, pictures.shape[-2:], draw), behind)
    return torch.lerp(pictures, behind, torch.where(chosen, 1.0 - _soft_head(masks), 0.0))


def clutter(size: torch.Size, draw: Draw) -> Tensor:
    """Colored blobs of several sizes on a plain ground, (B, 3, H, W)."""
    height, width = size
    blobs = draw.uniform(0.0, 1.0, 3, 1, 1).expand(-1, -1, CLUTTER_PX, CLUTTER_PX)
    strength = draw.uniform(0.0, 0.25, 1, 1, 1)
    for cells in CLUTTER_OCTAVES:
        octave = draw.normal(1.0, 3, cells, cells) * strength
        blobs = blobs + F.interpolate(octave, (CLUTTER_PX, CLUTTER_PX), mode="bilinear", align_corners=False)
    return F.interpolate(blobs.clamp(0.0, 1.0), (height, width), mode="bilinear", align_corners=False)


def end_photo(pictures: Tensor, masks: Tensor, share: float, draw: Draw) -> tuple[Tensor, Tensor]:
    """Let ``share`` of the photos end close to the face: there the outermost pixels go on, as the alignment does it.

    Outside, where nothing is known, the mask is ``NOT_JUDGED``.
    """
    chosen = draw.chance(share)[:, None]
    low, high = draw.uniform(0.0, 0.24, 2), draw.uniform(0.76, 1.0, 2)  # x and y, fractions of the side
    low, high = torch.where(chosen, low, 0.0), torch.where(chosen, high, 1.0)
    (height, width), device = pictures.shape[-2:], pictures.device
    columns, rows = _centers(width, device), _centers(height, device)
    x, y = columns[None].clamp(low[:, :1], high[:, :1]), rows[None].clamp(low[:, 1:], high[:, 1:])
    ends = (x != columns)[:, None, :] | (y != rows)[:, :, None]
    cut = F.grid_sample(pictures, _grid(x, y), mode="nearest", padding_mode="border", align_corners=False)
    faded = F.interpolate(F.avg_pool2d(cut, 8, ceil_mode=True), (height, width), mode="bilinear", align_corners=False)
    return torch.where(ends[:, None], faded, pictures), masks.masked_fill(ends, NOT_JUDGED)


def _grid(x: Tensor, y: Tensor) -> Tensor:
    """Sampling grid (B, H, W, 2) from columns (B, W) and rows (B, H) in fractions of the side."""
    batch, width, height = x.shape[0], x.shape[1], y.shape[1]
    columns = (2.0 * x - 1.0)[:, None, :].expand(batch, height, width)
    return torch.stack([columns, (2.0 * y - 1.0)[:, :, None].expand(batch, height, width)], -1)


def _centers(side: int, device: torch.device) -> Tensor:
    return (torch.arange(side, device=device) + 0.5) / side


def _soft_head(masks: Tensor) -> Tensor:
    """1 on the head, fading to 0 within one pixel of it: (B, 1, H, W)."""
    head = (masks != Part.BACKGROUND).float()[:, None]
    soft_edge = F.avg_pool2d(head, 3, stride=1, padding=1, count_include_pad=False)
    return torch.minimum(head + soft_edge, torch.ones_like(head))


def _cut_out(photos: Tensor, size: torch.Size, draw: Draw) -> Tensor:
    """A part of a photo for each picture, at any place, mirrored or not: (B, 3, H, W) in [0, 1]."""
    taken = photos[draw.numbers_below(photos.shape[0]).to(photos.device)].to(draw.device).float() / 255.0
    zoom, center = draw.uniform(0.3, 1.0), draw.uniform(-1.0, 1.0, 2)
    mirror = torch.where(draw.chance(0.5), -1.0, 1.0)
    nothing = torch.zeros_like(zoom)
    shift = center * (1.0 - zoom)[:, None]
    rows = [torch.stack([zoom * mirror, nothing, shift[:, 0]], 1), torch.stack([nothing, zoom, shift[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), [draw.batch, 3, *size], align_corners=False)
    return F.grid_sample(taken, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
