"""How a picture is lit, taken and stored: shading, colors, contrast, blur, noise, few pixels, JPEG blocks.

B batch, P parts, H W pixels. Pictures are float (B, 3, H, W) in [0, 1]; results may lie outside until they are clamped.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from engine_bridge.parts import Part
from f2p_models.training.draws import Draw

BLUR_RADIUS_PX: Final = 5
JPEG_BLOCK_PX: Final = 8
LUMA: Final = (0.299, 0.587, 0.114)
_LIPS: Final = (Part.UPPER_LIP, Part.LOWER_LIP)
_BROWS: Final = (Part.LEFT_BROW, Part.RIGHT_BROW)


def recolor_parts(pictures: Tensor, masks: Tensor, deviation: float, draw: Draw) -> Tensor:
    """Other colors for hair, brows, lips and skin, each by itself: an engine has few, people have many."""
    gains = torch.ones(pictures.shape[0], 3, 256, device=pictures.device)
    for parts in ((Part.HAIR,), _BROWS, _LIPS, (Part.FACE_SKIN, Part.NOSE)):
        gain = torch.exp(draw.normal(deviation, 1, 1) + draw.normal(0.3 * deviation, 3, 1))
        gains[:, :, list(parts)] = gain
    of_pixels = gains.gather(2, masks.flatten(1)[:, None].long().expand(-1, 3, -1)).view_as(pictures)
    return (pictures * of_pixels).clamp(0.0, 1.0)


def shade(pictures: Tensor, light: float, draw: Draw) -> Tensor:
    """Light from a side: a ramp across the picture; and soft shadows, which may leave one half of a face dark."""
    height, width = pictures.shape[-2:]
    slope = draw.normal(light, 2, 1, 1)
    y = torch.linspace(-0.5, 0.5, height, device=pictures.device)[None, :, None]
    x = torch.linspace(-0.5, 0.5, width, device=pictures.device)[None, None, :]
    ramp = slope[:, 0] * y + slope[:, 1] * x
    patches = F.interpolate(draw.normal(light, 1, 4, 4), (height, width), mode="bicubic", align_corners=False)
    angle, place = draw.uniform(0.0, 2.0 * math.pi, 1, 1), draw.uniform(-0.2, 0.2, 1, 1)
    edge = torch.sigmoid((angle.cos() * x + angle.sin() * y - place) * draw.uniform(6.0, 40.0, 1, 1))
    depth = draw.normal(2.0 * light, 1, 1).abs() * draw.chance(0.35)[:, None, None]
    return pictures * torch.exp(ramp - depth * edge)[:, None] * torch.exp(patches)


def develop(pictures: Tensor, *, color: float, grayscale: float, gamma: float, draw: Draw) -> Tensor:
    """Gain and gain per channel (a color cast), saturation, contrast, loss of color, and gamma."""
    gain = torch.exp(draw.normal(color, 1, 1, 1) + draw.normal(0.7 * color, 3, 1, 1))
    lit = pictures * gain
    saturation = torch.exp(draw.normal(2.0 * color, 1, 1, 1))
    gray = gray_of(lit)
    lit = gray + (lit - gray) * saturation
    contrast = torch.exp(draw.normal(color, 1, 1, 1))
    mean = lit.mean((1, 2, 3), keepdim=True)
    lit = mean + (lit - mean) * contrast
    colorless = draw.chance(grayscale)[:, None, None, None]
    lit = torch.where(colorless, gray_of(lit), lit)
    return lit.clamp(1e-4, 1.0) ** torch.exp(draw.normal(gamma, 1, 1, 1))


def blur(pictures: Tensor, largest_sigma: float, draw: Draw) -> Tensor:
    """A Gaussian of another width for every picture, up to a fraction of the side; half of them stay sharp."""
    batch, channels, _, width = pictures.shape
    sigma_px = draw.uniform(-largest_sigma, largest_sigma).clamp_min(1e-4) * width
    offsets = torch.arange(-BLUR_RADIUS_PX, BLUR_RADIUS_PX + 1, device=pictures.device)
    kernels = torch.exp(-0.5 * (offsets[None] / sigma_px[:, None]).square())
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = F.pad(pictures, [BLUR_RADIUS_PX] * 4, mode="reflect").view(
        1, batch * channels, *(side + 2 * BLUR_RADIUS_PX for side in pictures.shape[-2:])
    )
    blurred = F.conv2d(flat, kernels[:, None, None, :], groups=batch * channels)
    return F.conv2d(blurred, kernels[:, None, :, None], groups=batch * channels).view_as(pictures)


def add_noise(pictures: Tensor, largest: float, draw: Draw) -> Tensor:
    """Sensor noise; of some pictures coarse, as it is after enlarging."""
    fine = draw.normal(1.0, *pictures.shape[1:])
    coarse = F.interpolate(
        F.avg_pool2d(fine, 2, ceil_mode=True) * 2.0, fine.shape[-2:], mode="bilinear", align_corners=False
    )
    noise = torch.where(draw.chance(0.5)[:, None, None, None], fine, coarse)
    return pictures + noise * draw.uniform(0.0, largest, 1, 1, 1)


def compress(pictures: Tensor, share: float, draw: Draw) -> Tensor:
    """JPEG's blocks in ``share`` of the pictures: the cosine transform of each 8 x 8, rounded; color more coarsely."""
    (height, width), chosen = pictures.shape[-2:], draw.chance(share)
    step = draw.uniform(0.01, 0.10, 1, 1, 1)[chosen]
    padded = F.pad(pictures[chosen], [0, -width % JPEG_BLOCK_PX, 0, -height % JPEG_BLOCK_PX], mode="replicate")
    gray = gray_of(padded)
    luma, chroma = _requantize(gray, step), _requantize(padded - gray, 2.0 * step)
    stored = pictures.clone()
    stored[chosen] = (luma + chroma)[..., :height, :width]
    return stored


def gray_of(pictures: Tensor) -> Tensor:
    """(B, 1, H, W)."""
    weights = torch.tensor(LUMA, device=pictures.device).view(3, 1, 1)
    return (pictures * weights).sum(1, keepdim=True)


def _requantize(channels: Tensor, step: Tensor) -> Tensor:
    """Channels (B, C, H, W) with every block's frequencies rounded, high ones coarsely; step (B, 1, 1, 1)."""
    batch, count, height, width = channels.shape
    size = JPEG_BLOCK_PX
    cosines = _cosines().to(channels.device)
    blocks = channels.view(batch, count, height // size, size, width // size, size).transpose(3, 4)
    frequency = torch.arange(size, device=channels.device)
    steps = step[..., None, None] * (1.0 + 0.5 * (frequency[:, None] + frequency[None, :]))
    rounded = torch.round((cosines @ blocks @ cosines.T) / steps) * steps
    return (cosines.T @ rounded @ cosines).transpose(3, 4).reshape(channels.shape)


@lru_cache(maxsize=1)
def _cosines() -> Tensor:
    """The orthonormal cosine transform of 8 numbers, (8, 8)."""
    size = JPEG_BLOCK_PX
    frequency, place = torch.arange(size)[:, None], torch.arange(size)[None, :]
    matrix = torch.cos(math.pi / size * (place + 0.5) * frequency) * math.sqrt(2.0 / size)
    matrix[0] /= math.sqrt(2.0)
    return matrix
