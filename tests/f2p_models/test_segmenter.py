from __future__ import annotations

from typing import Any

import pytest
import torch

from engine_bridge.parts import Part
from f2p_models.errors import ConfigError, TensorError
from f2p_models.mirroring import mirror_maps
from f2p_models.segmenter import Segmenter, SegmenterConfig

NARROW = SegmenterConfig(width=0.125, blocks=(1, 1, 1, 1), input_px=64)
LITE = SegmenterConfig(trunk="efficientnet_lite0", input_px=64)


@pytest.fixture(params=[NARROW, LITE], ids=["resnet50", "efficientnet_lite0"])
def segmenter(request: pytest.FixtureRequest) -> Segmenter:
    return Segmenter(request.param).eval()


def test_the_default_output_is_an_eighth_of_256() -> None:
    with torch.no_grad():
        segmentation = Segmenter(SegmenterConfig()).eval()(torch.rand(1, 3, 256, 256))
    assert segmentation.logits.shape == (1, 11, 32, 32)
    assert segmentation.features.shape == (1, 2048, 32, 32)


def test_the_lite_trunks_output_is_a_quarter() -> None:
    with torch.no_grad():
        segmentation = Segmenter(LITE).eval()(torch.rand(1, 3, 64, 64))
    assert segmentation.logits.shape == (1, 11, 16, 16)
    assert segmentation.features.shape == (1, 96, 16, 16)


def test_any_input_size_is_resized_to_the_configured_one(segmenter: Segmenter) -> None:
    side = segmenter.config.grid_px
    assert segmenter(torch.rand(2, 3, 48, 48)).logits.shape == (2, 11, side, side)


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    checkers = (torch.arange(128)[:, None] + torch.arange(128)[None, :]).remainder(2).float().expand(1, 3, 128, 128)
    segmenter = Segmenter(NARROW).eval()
    gray = segmenter(torch.full((1, 3, 128, 128), 0.5)).logits
    middle = (slice(None), slice(None), slice(3, 5), slice(3, 5))
    torch.testing.assert_close(segmenter(checkers).logits[middle], gray[middle], atol=0.05, rtol=0.05)


def test_probabilities_sum_to_one_over_the_parts(segmenter: Segmenter) -> None:
    probabilities = segmenter(torch.rand(2, 3, 64, 64)).probabilities
    torch.testing.assert_close(probabilities.sum(1), torch.ones_like(probabilities[:, 0]))


def test_features_are_what_the_last_convolution_reads(segmenter: Segmenter) -> None:
    segmentation = segmenter(torch.rand(2, 3, 64, 64))
    torch.testing.assert_close(segmenter.head(segmentation.features), segmentation.logits)


def test_parts_of_a_mirror_image_are_the_mirror_image_of_the_parts(segmenter: Segmenter) -> None:
    pictures = torch.rand(2, 3, 64, 64)
    seen = segmenter.enlarged_probabilities(pictures, 96)
    assert seen.shape == (2, 11, 96, 96)
    torch.testing.assert_close(segmenter.enlarged_probabilities(pictures.flip(-1), 96), mirror_maps(seen))
    assert torch.equal(segmenter.parts(pictures, 96), seen.argmax(1).to(torch.uint8))


def test_mirrored_maps_exchange_left_and_right() -> None:
    maps = torch.zeros(1, len(Part), 2, 4)
    maps[0, Part.LEFT_EYE, 0, 3] = maps[0, Part.NOSE, 1, 0] = 1.0
    mirrored = mirror_maps(maps)
    assert mirrored[0, Part.RIGHT_EYE, 0, 0] == mirrored[0, Part.NOSE, 1, 3] == 1.0
    assert mirrored.sum() == 2.0


def test_weights_saved_before_there_was_a_choice_of_trunks_still_fit() -> None:
    segmenter, other = Segmenter(NARROW), Segmenter(NARROW)
    old = {key.removeprefix("trunk."): value for key, value in segmenter.state_dict().items()}
    other.load_state_dict(old)
    assert all(torch.equal(value, segmenter.state_dict()[key]) for key, value in other.state_dict().items())


def test_pictures_in_bytes_range_are_refused_with_their_range() -> None:
    with pytest.raises(TensorError, match=r"\[0, 1\], got .* to 25\d"):
        Segmenter(NARROW)(torch.rand(2, 3, 64, 64) * 255)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"width": -1.0}, "width"),
        ({"input_px": 100}, "input_px"),
        ({"blocks": (1, 1, 1, 0)}, "blocks"),
        ({"trunk": "resnet18"}, "trunk"),
        ({"trunk": "efficientnet_lite0", "width": 0.5}, "width"),
        ({"trunk": "efficientnet_lite0", "input_px": 200}, "multiple of 32"),
    ],
)
def test_a_bad_configuration_names_its_field(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        SegmenterConfig(**fields)
