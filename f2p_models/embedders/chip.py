"""The crop a recognition network was trained on, cut out of a picture as one differentiable step.

All pictures share one coordinate frame, so the crop is one constant similarity (rotation, scale, shift): the
least-squares fit of the chip's reference points to the template's landmarks.

Coordinates: pixel centres lie at whole numbers plus a half, so that fractions of the side mean the same place at any
resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from f2p_models.errors import TensorError

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """target = matrix @ source + shift, with matrix = scale * rotation."""

    matrix: Points
    shift: Points

    @property
    def scale(self) -> float:
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))


def fit_similarity(source: npt.ArrayLike, target: npt.ArrayLike) -> Similarity:
    """The similarity without reflection that takes ``source`` (N, 2) nearest to ``target`` (N, 2), N >= 2.

    In complex numbers a similarity is z -> a z + b, and least squares has a closed form.
    """
    z, w = (np.asarray(points, np.float64) @ (1.0, 1.0j) for points in (source, target))
    centered = z - z.mean()
    a = np.vdot(centered, w - w.mean()) / np.vdot(centered, centered)
    b = w.mean() - a * z.mean()
    return Similarity(
        matrix=np.array([[a.real, -a.imag], [a.imag, a.real]]),
        shift=np.array([b.real, b.imag]),
    )


class Chip(nn.Module):
    """Pictures (B, C, H, H) -> chips (B, C, side_px, side_px), float32 whatever the precision around it.

    ``placement`` takes chip pixels to fractions of the picture's side. Where the chip is at most half as fine as the
    picture, the picture is first halved by area as often as that holds: bilinear sampling alone would alias.
    ``corner_pixels`` follows dlib's convention that the outermost pixel *centres* lie on the crop's corners.
    """

    def __init__(self, placement: Similarity, side_px: int, *, corner_pixels: bool = False) -> None:
        super().__init__()
        self.placement = placement
        self.side_px = side_px
        self.corner_pixels = corner_pixels

    def forward(self, pictures: Tensor) -> Tensor:
        if pictures.shape[-1] != pictures.shape[-2]:
            raise TensorError(f"pictures: expected a square, got {tuple(pictures.shape)}; align the photo first")
        with torch.autocast(pictures.device.type, enabled=False):  # half precision would move the crop by pixels
            return F.grid_sample(
                self._shrunk(pictures.float()), self._grid(pictures), padding_mode="border", align_corners=False
            )

    def _grid(self, pictures: Tensor) -> Tensor:
        batch, channels, picture_px = pictures.shape[:3]
        affine = self.affine(picture_px).to(pictures.device, torch.float32).expand(batch, 2, 3)
        return F.affine_grid(affine, [batch, channels, self.side_px, self.side_px], align_corners=False)

    def affine(self, picture_px: int) -> Tensor:
        """(2, 3): chip -> picture, both in [-1, 1] from edge to edge, as ``F.affine_grid`` wants it."""
        matrix = self.placement.matrix * self.side_px * self._corner_factor(picture_px)
        center = self.placement.matrix @ (self.side_px / 2, self.side_px / 2) + self.placement.shift
        return torch.from_numpy(np.column_stack([matrix, 2 * center - 1]))

    def _corner_factor(self, picture_px: int) -> float:
        if not self.corner_pixels:
            return 1.0
        extent_px = self.placement.scale * picture_px * self.side_px
        return (extent_px - 1) / (extent_px * (self.side_px - 1) / self.side_px)

    def _shrunk(self, pictures: Tensor) -> Tensor:
        scale = self.placement.scale * pictures.shape[-1]
        while scale >= 2.0 and pictures.shape[-1] % 2 == 0:
            pictures, scale = F.avg_pool2d(pictures, 2), scale / 2
        return pictures
