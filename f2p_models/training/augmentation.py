"""Making few renders look like many photos: random changes to pictures and their masks, a whole batch at once.

B batch, H W pixels. Pictures are float (B, 3, H, W) in [0, 1], masks uint8 (B, H, W). Whatever moves pixels moves the
mask along. Every random number is drawn on the CPU from one generator, so that a resumed training draws the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine_bridge.parts import NUM_PARTS, Part
from f2p_models.training.settings import require_range

_MIRRORED_PARTS = {
    Part.LEFT_BROW: Part.RIGHT_BROW,
    Part.RIGHT_BROW: Part.LEFT_BROW,
    Part.LEFT_EYE: Part.RIGHT_EYE,
    Part.RIGHT_EYE: Part.LEFT_EYE,
}
CLUTTER_OCTAVES_PX = (2, 5, 12)
BLUR_RADIUS_PX = 4


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How strong each change is. Zero switches it off; chances are shares of the pictures.

    scale        up to this factor, as a natural logarithm, larger or smaller
    shift        fractions of the picture's side
    flip         chance of a mirror image, left and right parts exchanged
    background   chance of clutter behind the head
    occluder     chance of an ellipse of one color in front of it, which is background to the mask
    color        deviation of brightness, contrast, and each channel's gain
    grayscale    chance of a picture without color
    gamma        deviation of the logarithm of gamma
    light        strength of a brightness ramp across the picture
    blur         largest sigma, as a fraction of the side
    noise        largest standard deviation of the noise, of full scale
    """

    scale: float = 0.2
    shift: float = 0.08
    rotation_deg: float = 20.0
    flip: float = 0.5
    background: float = 0.5
    occluder: float = 0.3
    color: float = 0.15
    grayscale: float = 0.1
    gamma: float = 0.25
    light: float = 0.35
    blur: float = 0.008
    noise: float = 0.04

    def __post_init__(self) -> None:
        for name in ("flip", "background", "occluder", "grayscale"):
            require_range(name, getattr(self, name), 0.0, 1.0)
        for name in ("scale", "shift", "color", "gamma", "light", "noise"):
            require_range(name, getattr(self, name), 0.0, 2.0)
        require_range("rotation_deg", self.rotation_deg, 0.0, 180.0)
        require_range("blur", self.blur, 0.0, 0.1)


NO_AUGMENTATION = Augmentation(
    scale=0,
    shift=0,
    rotation_deg=0,
    flip=0,
    background=0,
    occluder=0,
    color=0,
    grayscale=0,
    gamma=0,
    light=0,
    blur=0,
    noise=0,
)


def augment(
    pictures: Tensor, masks: Tensor, settings: Augmentation, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Changed copies of the pictures and of their masks, clamped to [0, 1]."""
    draw = _Draw(generator, pictures.shape[0], pictures.device)
    pictures = _clutter_background(pictures, masks, settings, draw)
    pictures, masks = _move(pictures, masks, settings, draw)
    pictures, masks = _occlude(pictures, masks, settings, draw)
    pictures = _relight(pictures, settings, draw)
    pictures = _blur(pictures, settings, draw)
    return _add_noise(pictures, settings, draw).clamp(0.0, 1.0), masks


@dataclass(frozen=True)
class _Draw:
    """Random numbers, one row per picture: (B, ...)."""

    generator: torch.Generator
    batch: int
    device: torch.device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand((self.batch, *shape), generator=self.generator)
        return (low + (high - low) * drawn).to(self.device)

    def normal(self, deviation: float, *shape: int) -> Tensor:
        return (deviation * torch.randn((self.batch, *shape), generator=self.generator)).to(self.device)

    def chance(self, share: float) -> Tensor:
        """(B,) bool."""
        return (torch.rand(self.batch, generator=self.generator) < share).to(self.device)


def _clutter_background(pictures: Tensor, masks: Tensor, settings: Augmentation, draw: _Draw) -> Tensor:
    if not settings.background:
        return pictures
    height, width = pictures.shape[-2:]
    clutter = draw.uniform(0.0, 1.0, 3, 1, 1).expand(-1, -1, height, width)
    for cells in CLUTTER_OCTAVES_PX:
        blobs = draw.normal(0.15, 3, cells, cells)
        clutter = clutter + F.interpolate(blobs, (height, width), mode="bilinear", align_corners=False)
    head = (masks != Part.BACKGROUND).float()[:, None]
    soft_edge = F.avg_pool2d(head, 3, stride=1, padding=1, count_include_pad=False)
    chosen = draw.chance(settings.background)[:, None, None, None]
    cover = torch.where(chosen, 1.0 - torch.minimum(head + soft_edge, torch.ones_like(head)), 0.0)
    return pictures * (1.0 - cover) + clutter.clamp(0.0, 1.0) * cover


def _move(pictures: Tensor, masks: Tensor, settings: Augmentation, draw: _Draw) -> tuple[Tensor, Tensor]:
    """Scale, shift, rotate and mirror. What comes in from outside repeats the border."""
    angle = draw.uniform(-1.0, 1.0) * math.radians(settings.rotation_deg)
    zoom = torch.exp(draw.uniform(-settings.scale, settings.scale))
    mirrored = draw.chance(settings.flip)
    mirror = 1.0 - 2.0 * mirrored.float()
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    shift = draw.uniform(-2.0 * settings.shift, 2.0 * settings.shift, 2)
    rows = [torch.stack([cosine * mirror, -sine, shift[:, 0]], 1), torch.stack([sine * mirror, cosine, shift[:, 1]], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    pictures = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
    moved = F.grid_sample(masks[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False)[
        :, 0
    ].to(torch.uint8)
    return pictures, torch.where(mirrored[:, None, None], exchange_sides(moved), moved)


def exchange_sides(masks: Tensor) -> Tensor:
    """Part ids with left and right exchanged: what a mirror image needs."""
    table = torch.arange(NUM_PARTS, dtype=torch.uint8, device=masks.device)
    for part, mirrored in _MIRRORED_PARTS.items():
        table[part] = mirrored
    return table[masks.long()]


def _occlude(pictures: Tensor, masks: Tensor, settings: Augmentation, draw: _Draw) -> tuple[Tensor, Tensor]:
    if not settings.occluder:
        return pictures, masks
    height, width = pictures.shape[-2:]
    y = torch.linspace(0.0, 1.0, height, device=pictures.device)[None, :, None] - draw.uniform(0.15, 0.95, 1, 1)
    x = torch.linspace(0.0, 1.0, width, device=pictures.device)[None, None, :] - draw.uniform(0.1, 0.9, 1, 1)
    inside = (x / draw.uniform(0.04, 0.16, 1, 1)).square() + (y / draw.uniform(0.04, 0.16, 1, 1)).square() < 1.0
    inside &= draw.chance(settings.occluder)[:, None, None]
    color = draw.uniform(0.0, 1.0, 3, 1, 1)
    return torch.where(inside[:, None], color, pictures), masks.masked_fill(inside, Part.BACKGROUND)


def _relight(pictures: Tensor, settings: Augmentation, draw: _Draw) -> Tensor:
    """A ramp of light across the picture, then gain per channel, contrast, loss of color, and gamma."""
    height, width = pictures.shape[-2:]
    slope = draw.normal(settings.light, 2, 1, 1)
    y = torch.linspace(-0.5, 0.5, height, device=pictures.device)[None, :, None]
    x = torch.linspace(-0.5, 0.5, width, device=pictures.device)[None, None, :]
    ramp = torch.exp(slope[:, 0] * y + slope[:, 1] * x)[:, None]
    gain = torch.exp(draw.normal(settings.color, 1, 1, 1) + draw.normal(settings.color / 2, 3, 1, 1))
    lit = pictures * ramp * gain
    contrast = torch.exp(draw.normal(settings.color, 1, 1, 1))
    mean = lit.mean((1, 2, 3), keepdim=True)
    lit = mean + (lit - mean) * contrast
    gray = draw.chance(settings.grayscale)[:, None, None, None]
    lit = torch.where(gray, lit.mean(1, keepdim=True), lit)
    return lit.clamp(1e-4, 1.0) ** torch.exp(draw.normal(settings.gamma, 1, 1, 1))


def _blur(pictures: Tensor, settings: Augmentation, draw: _Draw) -> Tensor:
    """A Gaussian of another width for every picture; half of them stay sharp."""
    if not settings.blur:
        return pictures
    batch, channels, height, width = pictures.shape
    sigma_px = draw.uniform(-settings.blur, settings.blur).clamp_min(1e-4) * width
    offsets = torch.arange(-BLUR_RADIUS_PX, BLUR_RADIUS_PX + 1, device=pictures.device)
    kernels = torch.exp(-0.5 * (offsets[None] / sigma_px[:, None]).square())
    kernels = (kernels / kernels.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = pictures.reshape(1, batch * channels, height, width)
    padded = F.pad(flat, [BLUR_RADIUS_PX] * 4, mode="reflect")
    blurred = F.conv2d(padded, kernels[:, None, None, :], groups=batch * channels)
    return F.conv2d(blurred, kernels[:, None, :, None], groups=batch * channels).view_as(pictures)


def _add_noise(pictures: Tensor, settings: Augmentation, draw: _Draw) -> Tensor:
    if not settings.noise:
        return pictures
    return pictures + draw.normal(1.0, *pictures.shape[1:]) * draw.uniform(0.0, settings.noise, 1, 1, 1)
