"""Sheets of small pictures: one column per held-out pair, one row per thing to compare."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import Tensor

from engine_bridge.parts import PART_COLORS
from f2p_models.pictures import to_bytes

PREVIEW_PAIRS = 8
PREVIEW_PX = 192
DIFFERENCE_GAIN = 3.0  # an unamplified difference of a good imitator is black to the eye

Sheet = npt.NDArray[np.uint8]


def picture_sheet(*rows: Tensor) -> Sheet:
    """Rows of pictures, each float (B, 3, H, W) in [0, 1] -> one picture (rows * 192, B * 192, 3) uint8."""
    return np.concatenate([_row(to_bytes(_resized(pictures))) for pictures in rows])


def difference(pictures: Tensor, others: Tensor) -> Tensor:
    """Absolute difference, amplified three times so that it can be seen."""
    return ((pictures - others).abs() * DIFFERENCE_GAIN).clamp(0.0, 1.0)


def mask_sheet(pictures: Tensor, *masks: Tensor) -> Sheet:
    """A row of pictures above rows of part masks (B, h, w), painted in the parts' colors."""
    colors = np.array(PART_COLORS, np.uint8)
    painted = [_row(colors[_enlarged(mask).cpu().numpy()]) for mask in masks]
    return np.concatenate([picture_sheet(pictures), *painted])


def _row(pictures: npt.NDArray[np.uint8]) -> Sheet:
    return np.concatenate(list(pictures), axis=1)


def _resized(pictures: Tensor) -> Tensor:
    return F.interpolate(
        pictures.float(), (PREVIEW_PX, PREVIEW_PX), mode="bilinear", antialias=True, align_corners=False
    )


def _enlarged(mask: Tensor) -> Tensor:
    return F.interpolate(mask[:, None].float(), (PREVIEW_PX, PREVIEW_PX), mode="nearest-exact")[:, 0].long()
