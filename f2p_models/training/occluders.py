"""What gets in front of a face: hands and things, hats, glasses.

B batch, H W pixels. Pictures are float (B, 3, H, W) in [0, 1], masks uint8 (B, H, W). Whatever hides a part is
background to the mask, as in the Helen set, which has no class for it; glasses hide nothing there.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from engine_bridge.parts import Part
from f2p_models.training.draws import Draw

#: Below this share of a side between the eyes, no glasses are put on: one eye is hidden or out of the picture.
_CLOSEST_EYES: Final = 0.04


def hold_thing(pictures: Tensor, masks: Tensor, surface: Tensor, share: float, draw: Draw) -> tuple[Tensor, Tensor]:
    """A tilted ellipse or box before ``share`` of the faces, that looks like ``surface`` (B, 3, H, W)."""
    x, y = _axes(pictures)
    x, y = x - draw.uniform(0.1, 0.9, 1, 1), y - draw.uniform(0.15, 0.95, 1, 1)
    angle = draw.uniform(0.0, 3.1416, 1, 1)
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    roundness = torch.where(draw.chance(0.6), 2.0, 6.0)[:, None, None]  # 2 is an ellipse, 6 nearly a box
    radius = draw.uniform(0.03, 0.18, 2, 1, 1)
    inside = (along / radius[:, 0]).abs() ** roundness + (across / radius[:, 1]).abs() ** roundness < 1.0
    return _cover(pictures, masks, inside & draw.chance(share)[:, None, None], surface)


def put_on_hat(pictures: Tensor, masks: Tensor, surface: Tensor, share: float, draw: Draw) -> tuple[Tensor, Tensor]:
    """Hide everything above a curved brim over the brows of ``share`` of the faces behind ``surface``."""
    x, y = _axes(pictures)
    brow_y, found = _top(masks, (Part.LEFT_BROW, Part.RIGHT_BROW))
    brim = brow_y[:, None, None] - draw.uniform(0.01, 0.12, 1, 1)
    bend, tilt = draw.uniform(-0.4, 0.4, 1, 1), draw.normal(0.08, 1, 1)
    width = draw.uniform(0.25, 0.5, 1, 1)
    inside = (y < brim + bend * (x - 0.5).square() + tilt * (x - 0.5)) & ((x - 0.5).abs() < width)
    inside &= (draw.chance(share) & found)[:, None, None]
    return _cover(pictures, masks, inside, surface)


def put_on_glasses(pictures: Tensor, masks: Tensor, share: float, draw: Draw) -> Tensor:
    """Frames, and lenses with some tint, before the eyes of ``share`` of the faces. The mask stays as it is."""
    left, left_found = _middle(masks, Part.LEFT_EYE)
    right, right_found = _middle(masks, Part.RIGHT_EYE)
    worn = draw.chance(share) & left_found & right_found & ((left - right).norm(dim=1) > _CLOSEST_EYES)
    lens, bridge = _shape_of_glasses(left, right, _axes(pictures), draw)
    rim = 1.0 - draw.uniform(0.1, 0.45, 1, 1)
    frame = ((lens > rim) & (lens < 1.0)) | (bridge & (lens >= 1.0))
    opacity = torch.where(frame, draw.uniform(0.6, 1.0, 1, 1), draw.uniform(-0.3, 0.5, 1, 1).clamp_min(0.0))
    opacity = torch.where((frame | (lens < 1.0)) & worn[:, None, None], opacity, 0.0)
    return torch.lerp(pictures, draw.uniform(0.0, 0.5, 3, 1, 1).expand_as(pictures), opacity[:, None])


def _shape_of_glasses(left: Tensor, right: Tensor, axes: tuple[Tensor, Tensor], draw: Draw) -> tuple[Tensor, Tensor]:
    """How far each pixel is from the nearer eye, 1 at the lens's edge (B, H, W); and which lie on the bridge."""
    x, y = axes
    apart = (left - right).norm(dim=1)[:, None, None]
    size = apart * draw.uniform(0.30, 0.46, 1, 1)
    flatness, roundness = draw.uniform(0.6, 1.0, 1, 1), draw.uniform(2.0, 5.0, 1, 1)
    distances = [
        ((x - eye[:, :1, None]) / size).abs() ** roundness
        + ((y - eye[:, 1:, None]) / (size * flatness)).abs() ** roundness
        for eye in (left, right)
    ]
    middle = 0.5 * (left + right)
    bridge = ((x - middle[:, :1, None]).abs() < 0.5 * apart) & ((y - middle[:, 1:, None]).abs() < 0.12 * size)
    return torch.minimum(*distances), bridge


def _cover(pictures: Tensor, masks: Tensor, inside: Tensor, surface: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(inside[:, None], surface, pictures), masks.masked_fill(inside, Part.BACKGROUND)


def surface_of_things(pictures: Tensor, blobs: Tensor, draw: Draw) -> Tensor:
    """What things look like, (B, 3, H, W): plain, clutter (``blobs``), or another picture of the batch upside down."""
    kind = draw.numbers_below(3)[:, None, None, None]
    plain = draw.uniform(0.0, 1.0, 3, 1, 1).expand_as(pictures)
    borrowed = pictures[draw.partners()].flip(-2)
    return torch.where(kind == 0, plain, torch.where(kind == 1, blobs, borrowed))


def _axes(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Pixel centers as fractions of the sides: x (1, 1, W), y (1, H, 1)."""
    height, width = pictures.shape[-2:]
    x, y = ((torch.arange(side, device=pictures.device) + 0.5) / side for side in (width, height))
    return x[None, None, :], y[None, :, None]


def _middle(masks: Tensor, part: Part) -> tuple[Tensor, Tensor]:
    """Centroid (B, 2) of a part, x and y in fractions of the sides, and whether (B,) the mask has it at all."""
    height, width = masks.shape[-2:]
    inside = (masks == part).float()
    pixels = inside.sum((1, 2))
    x = (inside.sum(1) * (torch.arange(width, device=masks.device) + 0.5)).sum(1) / width
    y = (inside.sum(2) * (torch.arange(height, device=masks.device) + 0.5)).sum(1) / height
    return torch.stack([x, y], 1) / pixels.clamp_min(1.0)[:, None], pixels > 0


def _top(masks: Tensor, parts: tuple[Part, ...]) -> tuple[Tensor, Tensor]:
    """The highest row (B,) of any of the parts, as a fraction of the height, and whether (B,) there is one."""
    rows = torch.stack([(masks == part).any(2) for part in parts]).any(0)
    return rows.float().argmax(1) / masks.shape[1], rows.any(1)
