"""Making few renders look like many photos: random changes to pictures and their masks, a whole batch at once.

B batch, N backgrounds, H W pixels. Pictures are float (B, 3, H, W) in [0, 1], masks uint8 (B, H, W). Whatever moves
pixels moves the mask along. Every random number comes from one generator, so that a resumed training draws the same.

The order is a photograph's: what there is (colors, background, things in front), where the camera stands, light, lens
and sensor, the file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from f2p_models.mirroring import exchange_sides
from f2p_models.training.backgrounds import change_background, clutter, end_photo
from f2p_models.training.draws import Draw
from f2p_models.training.occluders import hold_thing, put_on_glasses, put_on_hat, surface_of_things
from f2p_models.training.photography import add_noise, blur, compress, develop, recolor_parts, shade
from f2p_models.training.settings import require_range

_SHARES = ("flip", "background", "occluder", "hat", "glasses", "border", "grayscale", "jpeg")
_STRENGTHS = ("scale", "shift", "tint", "color", "gamma", "light", "noise")


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How strong each change is. Zero switches it off; shares are of the pictures.

    scale        up to this factor, as a natural logarithm, larger or smaller
    shift        fractions of the picture's side
    flip         share of mirror images, left and right parts exchanged
    tint         deviation of the logarithm of the gain of hair, brows, lips and skin, each by itself
    background   share with clutter behind the head, or a photo where photos are given
    occluder     share with a thing in front of the face, which is background to the mask
    hat, glasses shares that wear one
    border       share of photos that end close to the face; beyond, the mask says ``NOT_JUDGED``
    light        strength of ramps, patches and shadows of light across the picture
    color        deviation of brightness, contrast, saturation, and each channel's gain
    grayscale    share without color
    gamma        deviation of the logarithm of gamma
    blur         largest sigma, as a fraction of the side
    noise        largest standard deviation of the noise, of full scale
    jpeg         share with JPEG's blocks
    """

    scale: float = 0.2
    shift: float = 0.08
    rotation_deg: float = 20.0
    flip: float = 0.5
    tint: float = 0.25
    background: float = 0.4
    occluder: float = 0.3
    hat: float = 0.06
    glasses: float = 0.07
    border: float = 0.2
    light: float = 0.35
    color: float = 0.15
    grayscale: float = 0.1
    gamma: float = 0.25
    blur: float = 0.01
    noise: float = 0.04
    jpeg: float = 0.3

    def __post_init__(self) -> None:
        for name in _SHARES:
            require_range(name, getattr(self, name), 0.0, 1.0)
        for name in _STRENGTHS:
            require_range(name, getattr(self, name), 0.0, 2.0)
        require_range("rotation_deg", self.rotation_deg, 0.0, 180.0)
        require_range("blur", self.blur, 0.0, 0.1)


NO_AUGMENTATION = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


def augment(
    pictures: Tensor,
    masks: Tensor,
    settings: Augmentation,
    generator: torch.Generator,
    backgrounds: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Changed copies of the pictures and of their masks, clamped to [0, 1].

    ``backgrounds`` (N, 3, h, w) uint8 are photos to be seen behind the heads.
    """
    draw = Draw.like(pictures, generator)
    with torch.autocast(pictures.device.type, enabled=False):  # half precision is for the network
        pictures, masks = _arrange(pictures, masks, settings, draw, backgrounds)
        pictures, masks = _move(pictures, masks, settings, draw)
        if settings.border:
            pictures, masks = end_photo(pictures, masks, settings.border, draw)
        return _photograph(pictures, settings, draw), masks


def _arrange(
    pictures: Tensor, masks: Tensor, settings: Augmentation, draw: Draw, backgrounds: Tensor | None
) -> tuple[Tensor, Tensor]:
    """What there is before the camera."""
    if settings.tint:
        pictures = recolor_parts(pictures, masks, settings.tint, draw)
    blobs = clutter(pictures.shape[-2:], draw)
    if settings.background:
        pictures = change_background(pictures, masks, blobs, settings.background, draw, photos=backgrounds)
    if settings.glasses:
        pictures = put_on_glasses(pictures, masks, settings.glasses, draw)
    if settings.hat or settings.occluder:
        surface = surface_of_things(pictures, blobs.flip(0), draw)
        pictures, masks = put_on_hat(pictures, masks, surface, settings.hat, draw)
        pictures, masks = hold_thing(pictures, masks, surface.flip(-1), settings.occluder, draw)
    return pictures, masks


def _move(pictures: Tensor, masks: Tensor, settings: Augmentation, draw: Draw) -> tuple[Tensor, Tensor]:
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


def _photograph(pictures: Tensor, settings: Augmentation, draw: Draw) -> Tensor:
    """Light, lens, sensor, file."""
    if settings.light:
        pictures = shade(pictures, settings.light, draw)
    pictures = develop(pictures, color=settings.color, grayscale=settings.grayscale, gamma=settings.gamma, draw=draw)
    if settings.blur:
        pictures = blur(pictures, settings.blur, draw)
    if settings.noise:
        pictures = add_noise(pictures, settings.noise, draw)
    if settings.jpeg:
        pictures = compress(pictures.clamp(0.0, 1.0), settings.jpeg, draw)
    return pictures.clamp(0.0, 1.0)
