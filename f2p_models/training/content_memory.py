"""What the segmenter sees on each photo, remembered: a frozen segmenter needs to see a photo once.

B batch, F features, h w the segmenter's output grid, H W pixels
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from f2p_models.losses import content_map
from f2p_models.pictures import to_unit
from f2p_models.segmenter import Segmenter

#: Half precision: a relative error of 1/2048 in a target that is the same in every epoch.
STORED: Final = torch.float16


class ContentMemory:
    """Content maps by pair index, computed at first sight and kept in half precision up to ``limit_bytes``.

    A map takes 2 F h w bytes: 590 KB for the quick recipe's segmenter, 4 MiB for the paper's. What does not fit is
    computed again each time. Either way a map is rounded, so that a resumed training sees what an undisturbed one saw.
    """

    def __init__(self, segmenter: Segmenter, *, limit_bytes: int, device: torch.device) -> None:
        self._segmenter, self._limit_bytes, self._device = segmenter, limit_bytes, device
        self._maps: dict[int, Tensor] = {}
        self._num_bytes = 0

    def __len__(self) -> int:
        return len(self._maps)

    def maps(self, index: Tensor, image: Tensor) -> Tensor:
        """Content maps (B, F, h, w), float32, of the photos with these indices (B,) and bytes (B, 3, H, W)."""
        keys = index.tolist()
        if any(key not in self._maps for key in keys):
            found = self._compute(image)
            for key, photo in zip(keys, found, strict=True):
                self._keep(key, photo)
            return found.to(self._device).float()
        return torch.stack([self._maps[key] for key in keys]).to(self._device).float()

    @torch.no_grad()
    def _compute(self, image: Tensor) -> Tensor:
        with torch.autocast(self._device.type, enabled=False):
            return content_map(self._segmenter(to_unit(image, self._device))).to(STORED).cpu()

    def _keep(self, key: int, photo: Tensor) -> None:
        num_bytes = photo.numel() * photo.element_size()
        if key not in self._maps and self._num_bytes + num_bytes <= self._limit_bytes:
            self._maps[key] = photo.clone()  # a view would keep its whole batch
            self._num_bytes += num_bytes
