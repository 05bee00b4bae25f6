"""Colours of materials as Panda3D's fixed pipeline takes them: sRGB fractions, in which it also adds up its lights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Colors = npt.NDArray[np.float64]


def srgb_from_linear(linear: npt.ArrayLike) -> Colors:
    """sRGB fractions in [0, 1] of linear light."""
    clipped = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    return np.where(clipped < 0.0031308, 12.92 * clipped, 1.055 * np.maximum(clipped, 1e-9) ** (1 / 2.4) - 0.055)


def factor_on_srgb(linear_factor: npt.ArrayLike) -> Colors:
    """About what a factor on linear light does to an sRGB fraction."""
    return np.asarray(np.maximum(np.asarray(linear_factor, np.float64), 0.0) ** (1 / 2.2))


def levels(fractions: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """uint8 of fractions in [0, 1]."""
    return np.round(255.0 * np.clip(np.asarray(fractions, np.float64), 0.0, 1.0)).astype(np.uint8)
