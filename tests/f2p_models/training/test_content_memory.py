from __future__ import annotations

from typing import Any

import pytest
import torch

from f2p_models.losses import content_map
from f2p_models.segmenter import Segmenter, SegmenterConfig
from f2p_models.training.content_memory import ContentMemory

CPU = torch.device("cpu")
MAP_BYTES = 2 * 256 * 4 * 4


class CountingSegmenter(Segmenter):
    """Counts the pictures it sees."""

    seen = 0

    def forward(self, pictures: torch.Tensor) -> Any:
        self.seen += len(pictures)
        return super().forward(pictures)


@pytest.fixture
def segmenter() -> CountingSegmenter:
    torch.manual_seed(0)
    network = CountingSegmenter(SegmenterConfig(width=0.125, blocks=(1, 1, 1, 1), input_px=32))
    return network.eval().requires_grad_(False)


@pytest.fixture
def photos() -> torch.Tensor:
    return torch.randint(256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(1)).to(torch.uint8)


def test_a_photo_is_seen_once(segmenter: CountingSegmenter, photos: torch.Tensor) -> None:
    memory = ContentMemory(segmenter, limit_bytes=4 * MAP_BYTES, device=CPU)
    first = memory.maps(torch.arange(4), photos)
    again = memory.maps(torch.tensor([2, 0]), photos[[2, 0]])
    assert segmenter.seen == 4
    assert torch.equal(again, first[[2, 0]])


def test_maps_are_the_segmenters_but_for_rounding(segmenter: CountingSegmenter, photos: torch.Tensor) -> None:
    maps = ContentMemory(segmenter, limit_bytes=0, device=CPU).maps(torch.arange(4), photos)
    torch.testing.assert_close(maps, content_map(segmenter(photos / 255.0)), rtol=1e-3, atol=1e-4)


def test_no_more_is_kept_than_fits_and_the_rest_comes_out_the_same(
    segmenter: CountingSegmenter, photos: torch.Tensor
) -> None:
    memory = ContentMemory(segmenter, limit_bytes=2 * MAP_BYTES, device=CPU)
    first = memory.maps(torch.arange(4), photos)
    assert len(memory) == 2
    assert torch.equal(memory.maps(torch.arange(4), photos), first)
    assert (len(memory), segmenter.seen) == (2, 8)
