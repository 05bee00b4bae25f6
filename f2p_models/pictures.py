"""From pictures to what networks take, and back to something to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine_bridge.frames import Picture


def to_unit(image: Tensor, device: torch.device | None = None, *, channels_last: bool = False) -> Tensor:
    """uint8 (B, 3, H, W) -> float32 in [0, 1] on the device (default: where it is)."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return image.to(device or image.device).to(torch.float32, memory_format=layout) / 255.0


def from_pictures(pictures: Sequence[Picture] | npt.NDArray[np.uint8]) -> Tensor:
    """uint8 (N, H, W, 3), an array or single pictures -> float32 (N, 3, H, W) in [0, 1] on the CPU."""
    return to_unit(torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2))


def to_bytes(pictures: Tensor) -> npt.NDArray[np.uint8]:
    """Float (B, 3, H, W), clamped to [0, 1] -> uint8 (B, H, W, 3)."""
    scaled = pictures.detach().float().clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8)
    return scaled.permute(0, 2, 3, 1).cpu().numpy()
